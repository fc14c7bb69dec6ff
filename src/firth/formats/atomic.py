"""Replace a file or a folder as a whole: whoever looks sees the old one or the new one, never a mixture.

    .NAME.new    what is being written; synced to the disk before anything else moves
    .NAME.old    what was at NAME, for the moment between two renames
    .NAME.lock   held by the one process that is saving to NAME

Killed at any moment, the old model or the new one is whole. `repair` puts `.NAME.old` back where NAME is missing, and
the next save removes what was left over.
"""

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from firth.errors import DiskFullError, FirthError, InputError, SaveError

if sys.platform != "win32":  # Windows has no flock: there, two processes must not save to one path at once
    import fcntl

T = TypeVar("T")

_NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}  # some network file systems
_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def replacing(path: str | os.PathLike[str], *, needed: int, check: Callable[[str], None]) -> Iterator[str]:
    """Give a sibling path to write a file or a folder at; swap it in when the block ends.

    needed  bytes that will be written, for the check of the disk's room before anything is
    check   raises where what is at `path` must not be replaced

    The block syncs the files that it writes. Whatever goes wrong, in the block or in the swap, what was at `path` is
    put back and nothing else is left. Raises DiskFullError where `needed` is more than there is, or the disk fills;
    SaveError for any other failure to write.
    """
    target = os.path.realpath(path)  # through a link to what it names: the link stays
    with _explained(target, needed), _locked(target):
        new = _sibling(target, "new")
        repair_locked(target)
        _remove(new)
        _remove(_sibling(target, "old"))
        check(target)
        _check_room(target, needed)
        swapped = False
        try:
            yield new
            for folder, _, _ in os.walk(new):
                _sync_folder(folder)
            _sync_folder(os.path.dirname(target))
            _swap_in(new, target)
            swapped = True
            _sync_folder(os.path.dirname(target))
        except BaseException:
            with suppress(OSError):  # the first failure is the one to tell; `repair` can still do this later
                _undo(target, swapped)
            _remove(new)
            raise
        _remove(_sibling(target, "old"))


def repair(path: str | os.PathLike[str]) -> None:
    """Finish a swap that was interrupted: where `path` is missing and `.NAME.old` is there, put that back.

    Waits for a process that is in the middle of its swap. Does nothing where this may not write.
    """
    target = os.path.realpath(path)
    if os.path.lexists(target) or not os.path.lexists(_sibling(target, "old")):
        return
    with suppress(OSError), _locked(target):
        repair_locked(target)


def steady(path: str | os.PathLike[str], read: Callable[[], T]) -> T:
    """What `read` gives for `path`, of one model only: read again where another process swapped in a new one meanwhile.

    An interrupted swap is repaired first, and before a failure is believed. Raises what `read` raises, and InputError
    for what the system does.
    """
    repair(path)
    while True:
        before = _identity(path)
        try:
            result = read()
        except (FirthError, OSError) as error:
            repair(path)
            if _identity(path) != before:
                continue
            if isinstance(error, FirthError):
                raise
            raise InputError(f"{os.fspath(path)} cannot be read: {error.strerror or error}.") from error
        else:
            if _identity(path) == before:
                return result


def repair_locked(target: str) -> None:
    """`repair` for one who holds the lock."""
    old = _sibling(target, "old")
    if os.path.lexists(old) and not os.path.lexists(target):
        os.rename(old, target)
        _sync_folder(os.path.dirname(target))


def _identity(path: str | os.PathLike[str]) -> tuple[int, int, int] | None:
    """Changes when another file or folder takes the name; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    # A folder's number is soon given to the next one, so its time counts too; a file is opened once, and may grow.
    return found.st_dev, found.st_ino, found.st_mtime_ns if stat.S_ISDIR(found.st_mode) else 0


def _sibling(target: str, role: str) -> str:
    folder, name = os.path.split(target)
    return os.path.join(folder, f".{name}.{role}")


def _swap_in(new: str, target: str) -> None:
    """NAME → .NAME.old, new → NAME. A file never leaves its name: it gets .NAME.old as a second one first."""
    old = _sibling(target, "old")
    if os.path.isdir(target):
        os.rename(target, old)
    elif os.path.lexists(target):
        try:
            os.link(target, old)
        except OSError:  # a file system without hard links
            os.rename(target, old)
    os.rename(new, target)


def _undo(target: str, swapped: bool) -> None:
    old, new = _sibling(target, "old"), _sibling(target, "new")
    if swapped:
        os.rename(target, new)
    if os.path.lexists(old):
        os.rename(old, target)
        with suppress(OSError):  # of two names of one file, as after `link`, rename moves neither
            os.unlink(old)


def _remove(path: str) -> None:
    """Remove a file or a folder if it is there and can be."""
    if os.path.isdir(path) and not os.path.islink(path):
        import shutil  # not where a model is opened

        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            os.unlink(path)


def _sync_folder(folder: str) -> None:
    """Make the names in a folder last through a power cut."""
    if sys.platform == "win32":  # where a folder cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(target: str) -> Iterator[None]:
    """Hold `.NAME.lock`; wait while another process does. The file goes when the last holder is done."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    lock = _sibling(target, "lock")
    descriptor = _lock(lock)
    try:
        yield
    finally:
        with suppress(OSError):
            os.unlink(lock)
        os.close(descriptor)


def _lock(lock: str) -> int:
    """An open, locked file that is still the one at `lock`: its last holder may have removed it while we waited."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            if sys.platform != "win32":
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_at(descriptor, lock):
                return descriptor
        except OSError as error:
            if error.errno in _NO_LOCKS_HERE:
                return descriptor
            os.close(descriptor)
            raise
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _check_room(target: str, needed: int) -> None:
    import shutil

    free = shutil.disk_usage(os.path.dirname(target)).free
    if needed > free:
        raise DiskFullError(
            f"Saving {target} needs about {needed:,} bytes, and the disk has {free:,} free. "
            "Free some, or save elsewhere. (What is there stays until the new one is whole.)"
        )


@contextmanager
def _explained(target: str, needed: int) -> Iterator[None]:
    """Turn the system's errors into firth's."""
    try:
        yield
    except FirthError:
        raise
    except OSError as error:
        kept = "What was there before is untouched."
        if error.errno in _FULL:
            raise DiskFullError(
                f"The disk filled up while {target} was saved, which needs about {needed:,} bytes. {kept} "
                "Free some room, or save elsewhere."
            ) from error
        raise SaveError(f"{target} could not be saved: {error}. {kept}") from error
