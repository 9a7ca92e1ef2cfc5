"""Which exams there are: the sheet, folders, a survey, and the parts of a training."""
