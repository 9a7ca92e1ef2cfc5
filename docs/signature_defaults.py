"""Shows the defaults of signatures, where griffe takes the first of `{'a', 'b'}` in a docstring for one."""

from typing import Any

import griffe


class SignatureDefaults(griffe.Extension):
    """Takes the defaults of parameters from signatures alone."""

    def on_function(self, *, func: griffe.Function, **_: Any) -> None:
        """Correct the docstring of a function."""
        for section in func.docstring.parsed if func.docstring else ():
            if isinstance(section, griffe.DocstringSectionParameters):
                for parameter in section.value:
                    if parameter.name in func.parameters:
                        parameter.value = func.parameters[parameter.name].default
