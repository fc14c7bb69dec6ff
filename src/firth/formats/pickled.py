"""A reader of pickles that calls nothing: it takes a stream of opcodes apart into plain values and named things.

`pickletools` of the standard library knows the opcodes and reads their arguments; it runs none of them. What a pickle
would call or make by name becomes a `Thing` with its arguments and state, which nobody ever calls; and a name that is
not on the list given is refused before anything is made of it. https://peps.python.org/pep-0307
"""

import mmap
import pickletools
from collections.abc import Callable, Container
from typing import Any, NamedTuple

from firth.errors import CorruptFileError, FormatError
from firth.formats.signatures import Place

_LARGE = 1 << 12  # bytes from which an array is left in the file instead of being copied
_VIEWED = {"BINBYTES", "BINBYTES8", "BYTEARRAY8", "BINUNICODE", "BINUNICODE8"}
_OPCODES = {operation.code.encode("latin-1"): operation for operation in pickletools.opcodes}
_DEEPEST = 1 << 17  # values waiting on the stack; pickles hand them on in thousands
_FREE = 1 << 17  # values and containers that any pickle may have; beyond it, so many for each byte


class Name(NamedTuple):
    """A class or a function that a pickle names."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module[:80]}.{self.name[:80]}"


class Thing:
    """What a pickle would make by a name: the name, the arguments, and what came after them."""

    __slots__ = ("args", "items", "kind", "state")

    def __init__(self, kind: Name, args: tuple[Any, ...]) -> None:
        self.kind, self.args = kind, args
        self.items: dict[Any, Any] = {}
        self.state: Any = None

    def get(self, *names: str) -> Any:
        """The first attribute that its state has; None where it has none. Python 2 wrote their names as bytes."""
        state = self.state if isinstance(self.state, dict) else {}
        spellings = (spelling for name in names for spelling in (name, name.encode()))
        return next((state[name] for name in spellings if name in state), None)


def read(path: Place, known: Container[Name]) -> Any:
    """The value of a pickle.

    known  the names that may be in it

    Raises FormatError for any other name and for what could reach out of the file; CorruptFileError, with the byte, for
    damage.
    """
    with open(path, "rb") as file:
        if not file.read(1):
            raise CorruptFileError(f"{path} is empty.")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    machine = _Machine(path, _Content(data), known)
    try:
        return machine.run()
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, MemoryError) as error:
        if isinstance(error, CorruptFileError | FormatError):
            raise
        raise CorruptFileError(
            f"{path} is damaged at byte {machine.at:,}: no pickle goes on so ({str(error)[:80]}). "
            "Copy it again from where it came."
        ) from None


class _Content:
    """A mapped file, read by `pickletools`; a large piece is a view, so that what it claims to hold costs nothing."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data, self._view = data, memoryview(data)
        self.place, self.viewed = 0, False

    def __len__(self) -> int:
        return len(self._data)

    def read(self, size: int) -> Any:
        start = self.place
        self.place = min(len(self._data), start + size)
        if self.viewed and size >= _LARGE:
            return self._view[start : self.place]
        return self._data[start : self.place]

    def readline(self) -> bytes:
        end = self._data.find(b"\n", self.place) + 1 or len(self._data)
        start, self.place = self.place, end
        return self._data[start:end]


_MARK = object()


class _Machine:
    def __init__(self, path: Place, content: _Content, known: Container[Name]) -> None:
        self.path, self.content, self.known = path, content, known
        self.at = 0
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: list[Any] = []
        self.far: dict[int, Any] = {}  # what was put at a number beyond the next
        self.made = self.pushed = 0

    def run(self) -> Any:
        content, most = self.content, len(self.content)
        while True:
            self.at = content.place
            operation = _OPCODES.get(content.read(1))
            if operation is None:
                raise ValueError("no such instruction")
            if operation.name == "STOP":
                return self.stack.pop()
            self.act(operation)
            if self.made > _FREE + most // 8 or self.pushed > _FREE + most // 2 or len(self.stack) > _DEEPEST:
                raise FormatError(f"{self.path} is a pickle that would take far more memory than its size. Not opened.")

    def act(self, operation: pickletools.OpcodeInfo) -> None:
        name, argument = operation.name, None
        if operation.arg is not None:
            self.content.viewed = name in _VIEWED
            argument = operation.arg.reader(self.content)  # type: ignore[arg-type]
            self.content.viewed = False
        if name in _PLAIN:
            _PLAIN[name](self)
        elif name in _WITH_ARGUMENT:
            _WITH_ARGUMENT[name](self, argument)
        elif name not in _IGNORED:
            raise FormatError(
                f"{self.path} is a pickle with the instruction {name} at byte {self.at:,}, which no model of gensim's "
                "needs. Not opened."
            )

    def push(self, value: Any) -> None:
        self.pushed += 1
        self.stack.append(value)

    def make(self, value: Any) -> None:
        self.made += 1
        self.push(value)

    # ------------------------------------------------------------ marks, memo

    def drop(self) -> None:
        self.stack.pop()

    def mark(self) -> None:
        self.made += 1
        self.marks.append(self.stack)
        self.stack = []

    def marked(self) -> list[Any]:
        """The values since the last mark; the stack is the one before it."""
        found, self.stack = self.stack, self.marks.pop()
        return found

    def put(self, number: int | None = None) -> None:
        if number is None or number == len(self.memo):
            self.memo.append(self.stack[-1])
        elif 0 <= number < len(self.memo):
            self.memo[number] = self.stack[-1]
        else:
            self.made += 1
            self.far[number] = self.stack[-1]

    def get(self, number: int) -> None:
        self.push(self.far[number] if number in self.far else self.memo[number])

    # ------------------------------------------------------------ containers

    def pair(self, count: int) -> None:
        values = tuple(self.stack[len(self.stack) - count :]) if len(self.stack) >= count else self.stack[count]
        del self.stack[len(self.stack) - count :]
        self.make(values)

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise TypeError("values for what is no list")
        target += values

    def set_items(self, values: list[Any]) -> None:
        target = self.stack[-1]
        items = target.items if isinstance(target, Thing) else target
        if not isinstance(items, dict) or len(values) % 2:
            raise TypeError("entries for what is no dict")
        for key in values[::2]:
            if not isinstance(key, str | int | float | bytes):  # a tuple of tuples of … would take for ever to hash
                raise TypeError(f"a key of type {type(key).__name__}")
        items.update(zip(values[::2], values[1::2], strict=True))

    # ------------------------------------------------------------ things

    def name(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a name that is no text")
        found = Name(module, name)
        if found not in self.known:
            raise FormatError(
                f"{self.path} is a pickle that names {found}, which no vectors of gensim's need: opened by pickle, it "
                "could run any program. Not opened. From a model you trust, let gensim save_word2vec_format."
            )
        self.make(found)

    def call(self) -> None:
        """REDUCE and NEWOBJ: a name and its arguments become a thing. Nothing is called."""
        args, kind = self.stack.pop(), self.stack.pop()
        if not isinstance(kind, Name) or not isinstance(args, tuple):
            raise TypeError("a call of what has no name")
        self.make(Thing(kind, args))

    def build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, Thing):
            raise TypeError("a state for what is no object")
        target.state = state

    def global_(self, argument: Any) -> None:
        module, _, name = argument.partition(" ")
        self.name(module, name)

    def stack_global(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.name(module, name)

    def string_of_python_2(self, argument: Any) -> None:
        self.push(argument.encode("latin-1"))


_PUSHED = {
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8"),
    *("BYTEARRAY8", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
}
_IGNORED = {"PROTO", "FRAME"}
_PLAIN: dict[str, Callable[[_Machine], None]] = {
    "NONE": lambda machine: machine.push(None),
    "NEWTRUE": lambda machine: machine.push(True),
    "NEWFALSE": lambda machine: machine.push(False),
    "EMPTY_TUPLE": lambda machine: machine.push(()),
    "EMPTY_LIST": lambda machine: machine.make([]),
    "EMPTY_DICT": lambda machine: machine.make({}),
    "EMPTY_SET": lambda machine: machine.make([]),  # as lists: nothing in them is looked up
    "FROZENSET": lambda machine: machine.make(machine.marked()),
    "ADDITEMS": lambda machine: machine.append(machine.marked()),
    "APPEND": lambda machine: machine.append([machine.stack.pop()]),
    "APPENDS": lambda machine: machine.append(machine.marked()),
    "TUPLE": lambda machine: machine.make(tuple(machine.marked())),
    "TUPLE1": lambda machine: machine.pair(1),
    "TUPLE2": lambda machine: machine.pair(2),
    "TUPLE3": lambda machine: machine.pair(3),
    "SETITEM": lambda machine: machine.set_items([machine.stack.pop(), machine.stack.pop()][::-1]),
    "SETITEMS": lambda machine: machine.set_items(machine.marked()),
    "POP": lambda machine: machine.drop(),
    "MARK": _Machine.mark,
    "MEMOIZE": _Machine.put,
    "STACK_GLOBAL": _Machine.stack_global,
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "BUILD": _Machine.build,
}
_WITH_ARGUMENT: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(_PUSHED, _Machine.push),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _Machine.put),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _Machine.get),
    **dict.fromkeys(("BINSTRING", "SHORT_BINSTRING"), _Machine.string_of_python_2),
    "GLOBAL": _Machine.global_,
}
