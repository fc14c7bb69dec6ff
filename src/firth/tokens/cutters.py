"""Tokens stage: rjieba in processes of its own, for it holds the interpreter's lock while it cuts.

A block of text goes there through a pipe, and comes back with blanks between its words.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Final, Self

from firth.errors import FirthError, ResourceError
from firth.tokens import chinese

if TYPE_CHECKING:
    from firth.corpus.text import Text

Spacing = Callable[[memoryview], bytes]
"""UTF-8 text in, the same text with blanks between its words out."""

_FEW: Final = 1 << 20  # bytes; rjieba cuts them in a fifth of a second, in which a process starts
_SIZE: Final = 8  # bytes of a message's length


def spacing_for(text: "Text") -> AbstractContextManager[Spacing | None]:
    """What puts blanks between the words of a text's blocks, to be called in threads; None where blanks are there."""
    if text.tokenizer == "chinese":
        return Cutters(text.own_words, text.hmm, text.split_sentences)
    if text.tokenizer == "characters":
        space = chinese.character_spacing(text.split_sentences)
        return nullcontext(lambda data: space(str(data, "utf-8")).encode())
    return nullcontext()


class Cutters:
    """UTF-8 text in, the same text with blanks between its words out: `chinese.jieba_spacing`, in processes.

    May be called from many threads at once: each call that comes while others are under way has a process to itself.
    The first megabyte is cut in this process, so small texts start none. Raises MissingExtraError, and ResourceError or
    FirthError where a process dies.
    """

    def __init__(self, own_words: tuple[str, ...], hmm: bool, split_sentences: bool = False):
        chinese.check_installed()
        self._options = (own_words, hmm, split_sentences)
        self._lock = threading.Lock()
        self._seen = 0
        self._idle: queue.SimpleQueue[_Cutter] = queue.SimpleQueue()
        self._started: list[_Cutter] = []

    def __call__(self, data: memoryview) -> bytes:
        with self._lock:
            self._seen += len(data)
            few = self._seen <= _FEW
        if few:
            return chinese.jieba_spacing(*self._options)(str(data, "utf-8")).encode()
        cutter = self._any()
        spaced = cutter.cut(data)
        self._idle.put(cutter)  # not where it died
        return spaced

    def _any(self) -> "_Cutter":
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            cutter = _Cutter(*self._options)
            with self._lock:
                self._started.append(cutter)
            return cutter

    def close(self) -> None:
        """End the processes."""
        for cutter in self._started:
            cutter.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Cutter:
    """One process. It starts afresh and imports rjieba and this module only, whatever the caller's program is."""

    def __init__(self, *options: Any):
        if not sys.executable:
            raise FirthError("Chinese is cut in processes of their own, but this Python does not know its own program.")
        self.process = subprocess.Popen(  # noqa: S603  # this Python, and a module of ours
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},  # finds what this process finds
        )
        self._options = json.dumps(options).encode()

    def cut(self, data: memoryview) -> bytes:
        assert self.process.stdin and self.process.stdout, "they are pipes"
        try:
            if self._options:
                _send(self.process.stdin, self._options)
                self._options = b""
            _send(self.process.stdin, data)
            spaced = _receive(self.process.stdout)
        except (OSError, ValueError):  # the pipe is broken, or closed by `end`
            spaced = None
        if spaced is None:
            raise self._death()
        return spaced

    def end(self) -> None:
        self.process.kill()  # it holds nothing that would be lost
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(BrokenPipeError):  # what it had not read
                pipe.close()  # type: ignore[union-attr]  # they are pipes

    def _death(self) -> FirthError:
        code = self.process.wait()
        what = "A process that cuts Chinese died"
        if code == -signal.SIGKILL:
            return ResourceError(
                f"{what}: somebody killed it, most often the system for want of memory. Give fewer threads=."
            )
        how = f"by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"with exit code {code}"
        return FirthError(f"{what} {how}. If what it said above is no help, please report the text it died of.")


def _send(pipe: IO[bytes], data: bytes | memoryview) -> None:
    pipe.write(len(data).to_bytes(_SIZE, "little"))
    pipe.write(data)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes | None:
    """The next message; None where the other side is gone."""
    head = pipe.read(_SIZE)
    size = int.from_bytes(head, "little")
    data = pipe.read(size) if len(head) == _SIZE else b""
    return data if len(head) == _SIZE and len(data) == size else None


def _serve() -> None:
    """The process: cut what comes until nothing comes any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asked
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    options: Any = _receive(source)
    if options is None:
        return
    import rjieba

    own_words, hmm, split_sentences = json.loads(options)
    chinese.add_own_words(rjieba, own_words)  # nobody else is here: the module's own dictionary will do
    space = chinese.spacing_by(rjieba, hmm, split_sentences)
    while (data := _receive(source)) is not None:
        _send(sink, space(str(data, "utf-8")).encode())


if __name__ == "__main__":
    _serve()
