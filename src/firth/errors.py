"""Every error that firth raises on purpose. Catch `FirthError` for all of them.

    FirthError
    ├── ConfigError           an option's name, type or value is wrong            exit 2
    ├── NotFittedError        an estimator that has learnt nothing yet            exit 2
    ├── UnknownKeyError       a key that a table does not hold                    exit 3
    ├── InputError            data that cannot be used                            exit 3
    │   ├── MissingInputError     no such file, or a glob that matches nothing
    │   ├── EncodingError         text that is not UTF-8
    │   ├── EmptyVocabularyError  no word is left to learn
    │   ├── ChangedInputError     a source that changed while it was being read
    │   ├── FormatError           a file of another kind than asked for
    │   └── CorruptFileError      a file that is damaged
    ├── ResourceError         this machine cannot do it                           exit 4
    │   ├── MemoryLimitError      it would not fit in memory
    │   └── DiskFullError         it would not fit on the disk
    ├── SaveError             a file that could not be written                    exit 1
    ├── MissingExtraError     an optional package is not installed                exit 1
    └── DivergenceError       the numbers left the range of floats                exit 1

Each message says what came, what was expected, and what to do about it.
"""

from typing import ClassVar


class FirthError(Exception):
    """The root of firth's errors."""

    exit_code: ClassVar[int] = 1


class ConfigError(FirthError, ValueError):
    """An option whose name, type or value is wrong."""

    exit_code = 2


class NotFittedError(FirthError, ValueError, AttributeError):
    """An estimator that is asked before it has learnt anything; of the kinds that scikit-learn's own is."""

    exit_code = 2


class UnknownKeyError(FirthError, KeyError):
    """A key that the table does not hold."""

    exit_code = 3

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0]) if self.args else ""


class InputError(FirthError, ValueError):
    """Data that cannot be used."""

    exit_code = 3


class MissingInputError(InputError, FileNotFoundError):
    """A file that is not there, or a pattern that matches nothing."""


class EncodingError(InputError):
    """Text that is not valid UTF-8."""


class EmptyVocabularyError(InputError):
    """No word is left to learn."""


class ChangedInputError(InputError):
    """A source that changed while it was being read."""


class FormatError(InputError):
    """A file of another kind than the one asked for."""


class CorruptFileError(InputError):
    """A file that is damaged: cut short, altered, or at odds with its own header."""


class ResourceError(FirthError):
    """What was asked for is more than this machine has."""

    exit_code = 4


class MemoryLimitError(ResourceError, MemoryError):
    """It would not fit in the memory that this process may use."""


class DiskFullError(ResourceError, OSError):
    """It would not fit on the disk, or the disk filled up."""


class SaveError(FirthError, OSError):
    """A file that could not be written; what was there before is still there."""


class MissingExtraError(FirthError, ImportError):
    """An optional package is not installed."""


class DivergenceError(FirthError, ArithmeticError):
    """The numbers left the range of floats: the learning rate is too high for this data."""
