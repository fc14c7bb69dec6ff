"""The command line: `firth VERB …`. Thin: each command reads its words, calls the library, and shows the answer.

Results go to stdout, talk to stderr. Exit codes: 0 done, 1 the run failed, 2 usage, 3 bad input,
4 not enough memory or disk, 130 interrupted, 143 terminated. A command's module is imported when the command is used.
"""

import errno
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

from cyclopts import App, CycloptsError, MissingArgumentError, Parameter, UnusedCliTokensError

import firth
from firth.cli import show
from firth.cli.stopping import stoppable
from firth.errors import FirthError

app = App(
    name="firth",
    help="Learn embeddings from your own data, on your own machine, and ask them questions.",
    version=f"firth {firth.__version__}",
    help_format="plaintext",
    help_epilogue="New here? `firth demo` trains a small model in less than a minute and says what to type next.",
    default_parameter=Parameter(negative_iterable=()),
)

# verb: (where its function or group of commands is, the line that `firth --help` shows)
COMMANDS = {
    "train": ("firth.cli.train:app", "Learn vectors from a corpus."),
    "nearest": ("firth.cli.ask:nearest", "Show the nearest neighbours of words."),
    "analogy": ("firth.cli.ask:analogy", "Answer: A is to B as C is to what?"),
    "similarity": ("firth.cli.ask:similarity", "Show the cosine similarity of two words."),
    "predict": ("firth.cli.ask:predict", "Show the likeliest words in the midst of others."),
    "recommend": ("firth.cli.items:recommend", "Recommend what comes next after some items."),
    "classify": ("firth.cli.classify:classify", "Label texts with a classifier."),
    "translate": ("firth.cli.translate:translate", "Write a text for each text, with a Transformer."),
    "encode": ("firth.cli.networks:encode", "Write the vector of each text."),
    "fine-tune": ("firth.cli.tasks:fine_tune", "Teach a language model a task by examples."),
    "perplexity": ("firth.cli.language:perplexity", "Say how surprised a language model is by a text."),
    "generate": ("firth.cli.language:generate", "Let a language model write."),
    "fill-mask": ("firth.cli.language:fill_mask", "Show what fits the gap [MASK] of a text."),
    "axis": ("firth.cli.table:axis", "Show where words lie along a direction: man–woman, poor–rich."),
    "clusters": ("firth.cli.table:clusters", "Group words that lie together."),
    "explain": ("firth.cli.evidence:explain", "Show the contexts that made two words neighbours."),
    "evaluate": ("firth.cli.evaluate:evaluate", "Score vectors on analogies and on pairs that people rated."),
    "stability": ("firth.cli.evidence:stability", "Learn with several seeds: which neighbours return?"),
    "compare": ("firth.cli.evidence:compare", "Show which words moved from one model to another."),
    "plot": ("firth.cli.plot:plot", "Draw words on a plane, or the loss of a run: PNG, SVG, PDF, HTML."),
    "info": ("firth.cli.files:info", "Say what a model or a vector file holds."),
    "convert": ("firth.cli.files:convert", "Write vectors in another format."),
    "index": ("firth.cli.table:index", "Build an index for quick, approximate neighbours."),
    "quantise": ("firth.cli.table:quantise", "Write a model in fewer bytes."),
    "inspect": ("firth.cli.inspect:app", "Look at what training would see: tokens, vocabulary, examples, tree."),
    "phrases": ("firth.cli.phrases:phrases", "Learn which words belong together, and join them: new_york."),
    "cooccurrence": ("firth.cli.cooccurrence:cooccurrence", "Count how often words stand near each other."),
    "plan": ("firth.cli.plan:plan", "Say what training would need: memory, time, disk."),
    "tune": ("firth.cli.tune:app", "Search for the options that score best on your questions."),
    "demo": ("firth.cli.demo:demo", "Learn from the documentation of this Python, in less than a minute."),
}
for _order, (_verb, (_where, _line)) in enumerate(COMMANDS.items()):
    app.command(_where, name=_verb, help=_line, sort_key=_order)

# A lone "-" is stdin or stdout, but looks like an option without a name to the parser: it travels under this name.
_DASH = "\0-"

# What the system refuses without a word of ours: bad input, or no room.
_EXIT_CODES = {
    **dict.fromkeys([errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM], 3),
    **dict.fromkeys([errno.ENOSPC, errno.EDQUOT, errno.ENOMEM], 4),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (None: this process's own) and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # keys may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    try:
        with stoppable(), show.warnings_in_a_line():
            _run(list(sys.argv[1:] if arguments is None else arguments))
            sys.stdout.flush()
    except FirthError as error:
        return show.failure(str(error), error.exit_code)
    except CycloptsError as error:
        return show.failure(_usage(error), 2)
    except KeyboardInterrupt as stopped:
        code = getattr(stopped, "exit_code", 130)
        return show.failure("interrupted." if code == 130 else "terminated.", code)
    except BrokenPipeError:  # the reader has seen enough: `firth nearest … | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except MemoryError:
        return show.failure("out of memory. A smaller dim, a higher min_count or a max_vocab needs less.", 4)
    except OSError as error:
        return show.failure(_system(error), _EXIT_CODES.get(error.errno or 0, 1))
    return 0


def _run(words: list[str]) -> None:
    hidden = [_DASH if word == "-" else word for word in words]
    command, bound, _ = app.parse_args(hidden, print_error=False, exit_on_error=False)
    command(*_dashes(bound.args), **_dashes(bound.kwargs))


def _dashes(value: Any) -> Any:
    """The same arguments with "-" where `_DASH` stood."""
    if isinstance(value, dict):
        return {key: _dashes(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_dashes(part) for part in value)
    return "-" if value == _DASH else value


def _usage(error: CycloptsError) -> str:
    """What is wrong with the words typed, and where the right ones are listed."""
    command = " ".join(error.command_chain or ())
    message = str(error).replace(_DASH, "-")
    if isinstance(error, MissingArgumentError) and error.argument and error.argument.required:
        message = f"{command} needs {error.argument.name}."
    elif isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        message = f"{command} does not know what to do with {' '.join(map(repr, error.unused_tokens))}."
    return f"{message} See: {f'firth {command}'.strip()} --help"


def _system(error: OSError) -> str:
    names = [repr(str(name)) for name in (error.filename, error.filename2) if name is not None]
    return f"{error.strerror or error}{': ' if names else ''}{' → '.join(names)}."
