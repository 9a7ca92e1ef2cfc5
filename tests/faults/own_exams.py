"""Cases of `hepaflow segment`: what it writes of odd exams, and how it behaves in odd places."""

from cases import ACCEPTED, REFUSED, WARNED, Case, Table

SPACING = Case(
    "SpacingBetweenSlices of half and a quarter of the distance between slices, negative, 0, empty, two values, "
    "no number",
    WARNED,
    ("SpacingBetweenSlices of another length",),
    mended="segmentation.dcm took over four of the seven, and readers computed a half or a quarter of the volume, "
    "or failed; two ended the exam after everything was computed",
)
THICKNESS = Case(
    "SliceThickness of half and twice the distance between slices, 0, negative, empty, absent, NaN, no number",
    WARNED,
    ("of the wrong form, and left out: SliceThickness",),
    mended="segmentation.dcm took over five of the eight, and readers computed with them; three ended the exam "
    "after everything was computed",
)
FORMS = Case(
    "dates, times, ages, sizes, weights and numbers of the wrong form in a series: 26 values of 12 elements",
    WARNED,
    ("of the wrong form, and left out: ", "PatientBirthDate", "AcquisitionNumber"),
    mended="six ended the exam after everything was computed (as 19500231 and 256199), thirteen were copied",
)
FRAMES = Case(
    "every slice in a frame of reference of its own, and directions that differ in the last digit",
    WARNED,
    ("a FrameOfReferenceUID for each slice: one was made for all",),
    mended="an error of the library, after everything was computed",
)
BESIDE = Case(
    "positions that lie a little beside the normal, as rounded ones do",
    ACCEPTED,
    (),
    mended="an error of the library, after everything was computed",
)
NUMBER = Case(
    "SeriesNumber of -2000 and of 2147483647",
    ACCEPTED,
    mended="the first ended the exam at its end, the second gave a number that DICOM cannot hold",
)
KEPT = Case(
    "segmentation.dcm, overlay or page that cannot be written (3)",
    "keeps the other results, status 1",
    ("segmentation.dcm could not be written",),
    mended="all results of the exam were lost, after everything was computed",
)
ROOM = Case(
    "disk with less room than the result takes",
    REFUSED,
    ("MB for the result", "what to do"),
    mended="the networks ran before",
)
OUT = Case(
    "results into a file, and into a folder below a file",
    REFUSED,
    ("no folder to write to (a file)", "what to do"),
    mended="told as 'File exists'",
)
LONG = Case(
    "exam whose name has 80 Chinese characters",
    ACCEPTED,
    mended="'File name too long' after everything was computed",
)
LATIN = Case(
    "folders named in Latin-1, for the exam and for the results, and a terminal that has ASCII alone",
    ACCEPTED,
    mended="UnicodeEncodeError after everything was computed",
)
ENDED = Case(
    "SIGINT, SIGHUP and SIGTERM while the networks run on an exam from a zip",
    "status 128 and the signal's number; nothing unpacked or half written is left",
    ("ended by SIGTERM", "finished exams are kept"),
    mended="SIGTERM and SIGHUP left the unpacked exam, SIGINT a traceback",
)
KILLED = Case(
    "command that is killed (SIGKILL) with an unpacked exam, and called again",
    "what was left is removed",
    ("removed 1 unfinished folder",),
    mended="patients' data stayed in a hidden folder",
)
EXCHANGE = Case(
    "`--overwrite` whose exchange of the folders fails, at either step, or is killed in between",
    "the earlier result stays or comes back",
    mended="the earlier result was removed before the new one had its name",
)
TWO = Case(
    "two commands at the same exam",
    "the second is refused before it computes",
    ("another process that is segmenting into this folder", "what to do"),
    mended="the one that ended last removed the other's result, also without --overwrite",
)
NAMES = Case(
    "patients' names in folders: joined, reversed, short, with initials, accents, digits, composed and "
    "decomposed; in Chinese, Japanese, Korean and Cyrillic writing (16 names, 84 ways)",
    "the exam is called exam-1",
    mended="51 of the 84 were not recognised",
)
CHARSETS = Case(
    "patient's name in 9 character sets that the header does not declare, or declares wrongly (27)",
    "recognised",
    mended="24 of the 27 were not recognised",
)
ONE = Case(
    "patient called One, in a message of hepaflow's",
    REFUSED,
    ("expected: one series to segment",),
    mended="'expected: *** series to segment'",
)
ANONYMOUS = Case(
    "`--anonymise` of a series with a secret in each of 147 elements of DICOM's profile for it",
    "none of them in a result",
    mended="text in PositionReferenceIndicator came through",
)
LIBRARIES = Case(
    "name and number of a form of which a library warns",
    "not on the screen",
    mended="a library's log named the patient",
)
THREADS = Case(
    "`--threads` 0, -1, 1.5, many, 100000",
    "status 2",
    ("no whole number from 1 to 1024",),
    mended="0 and -1: a traceback",
)
MODEL = Case(
    "`--model` that is missing, a folder, an exam's zip, damaged, of a newer version (5)",
    REFUSED,
    ("no such file", "let the run finish"),
    mended="told to copy the file again; a damaged text in it was a traceback",
)
ARCHIVES = Case(
    "tar (plain, gz, bz2, xz), zip with backslashes, with names in UTF-8, CP437, GB18030, Shift-JIS, EUC-KR and "
    "Latin-1, with what a Mac adds, with names of 270 bytes, zip64 (14)",
    ACCEPTED,
    mended="no tar was read; backslashes joined all folders in one; long names were an error of the system",
)
UNREAD = Case(
    "7z, RAR, zstd, one volume of several, encrypted, damaged, a tar with links, devices or paths that lead out "
    "(12)",
    REFUSED,
    ("a 7z archive, which hepaflow does not read", "7z x"),
    mended="'no CT series', or a message with the name of a member, which may be a patient's",
)
OUTSIDE = Case(
    "lesion 25 mm outside of the liver",
    "left out, unless asked for",
    ("lies more than 10 mm outside of the liver", "--keep-outside"),
    mended="it was a lesion, on a real CT outside of the body",
)
EDGES = Case(
    "liver at each of the six sides of the exam and at the edge of the field of view; lesion at each of the six "
    "sides of the box in which they are sought (13)",
    WARNED,
    ("what is marked as liver reaches the image's front edge",),
    mended="11 of the 13 were not told",
)
PIPE = Case(
    "messages that nobody reads any more (`| head`)",
    "goes on",
    mended="the next line ended the command with a traceback, and no further exam was done",
)

OWN_EXAMS = Table(
    "Your own exams",
    "`hepaflow segment`: what it writes, where, and how it ends.",
    (
        SPACING, THICKNESS, FORMS, FRAMES, BESIDE, NUMBER, KEPT, ROOM, OUT, LONG, LATIN, ENDED, KILLED, EXCHANGE,
        TWO, NAMES, CHARSETS, ONE, ANONYMOUS, LIBRARIES, THREADS, MODEL, ARCHIVES, UNREAD, OUTSIDE, EDGES, PIPE,
    ),
)  # fmt: skip
