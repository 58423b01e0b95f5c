"""The vocabulary: tokens to ids and back, its file format, and how it is counted from a corpus.

A vocabulary file holds one token a line; its line number is the token's id. The first three are special, unless
`--check_special_token` is off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.nmt.errors import NmtError
from core.nmt.whole_file import whole_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNK, SOS, EOS = "<unk>", "<s>", "</s>"
SPECIALS = (UNK, SOS, EOS)
UNK_ID, SOS_ID, EOS_ID = range(3)


class Vocab:
    """Tokens with ids 0 … len-1. Id 0 is `<unk>`'s, whatever token stands there.

    `sos_id` and `eos_id` are those of the tokens that begin and end a sentence. Raises `NmtError` when one of these is
    missing, or a token is there twice.
    """

    def __init__(self, tokens: Sequence[str], *, sos: str = SOS, eos: str = EOS) -> None:
        self._tokens = tuple(tokens)
        self._ids = {token: i for i, token in enumerate(self._tokens)}
        if len(self._ids) != len(self._tokens):
            twice = next(token for token, n in Counter(self._tokens).items() if n > 1)
            raise NmtError(f"the vocabulary holds {twice!r} twice: make it with bin/generate_vocab")
        if missing := [token for token in (sos, eos) if token not in self._ids]:
            raise NmtError(
                f"the vocabulary holds no {' and no '.join(missing)}: make it with bin/generate_vocab, "
                "name its own tokens with --sos and --eos, or leave --check_special_token on"
            )
        if sos == eos:
            raise NmtError(f"--sos and --eos are both {sos!r}: an end must be told from a beginning")
        self.sos_id, self.eos_id = self._ids[sos], self._ids[eos]

    @classmethod
    def load(cls, path: Path, *, sos: str = SOS, eos: str = EOS, add_specials: bool = False) -> Vocab:
        """Read a vocabulary file (UTF-8, one token a line). Raises `NmtError` when it can't be used.

        With `add_specials`, `--check_special_token`, a file that does not begin with `<unk>`, `sos` and `eos` gets
        them put before its own tokens, as in tensorflow/nmt.
        """
        tokens = _read_lines(path)
        specials = [UNK, sos, eos]
        if add_specials and tokens[:3] != specials:
            tokens = specials + tokens
        try:
            return cls(tokens, sos=sos, eos=eos)
        except NmtError as error:
            raise NmtError(f"{path}: {error}") from error

    def save(self, path: Path) -> None:
        """Write the file that `load` reads, whole or not at all: half a vocabulary would be one, of other ids."""
        with whole_file(path) as file:
            file.writelines(f"{token}\n" for token in self._tokens)

    def ids(self, tokens: Iterable[str]) -> NDArray[np.int32]:
        """The ids of `tokens`, `<unk>`'s for those that are not here. Shape (number of tokens,)."""
        # Here, so that bin/generate_vocab, which only counts, needs nothing but Python.
        import numpy as np

        return np.array(self.numbers(tokens), np.int32)

    def numbers(self, tokens: Iterable[str]) -> list[int]:
        """The same as a list."""
        get = self._ids.get  # looked up once: whole corpora come through here
        return [get(token, UNK_ID) for token in tokens]

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """The tokens of `ids`, in order."""
        return [self._tokens[i] for i in ids]

    def begins_with(self, other: Vocab) -> bool:
        """Whether the tokens of `other` have the same ids here, so that all others came after them."""
        return self._tokens[: len(other)] == other._tokens

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    def __len__(self) -> int:
        return len(self._tokens)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocab) and self._tokens == other._tokens

    def __hash__(self) -> int:
        return hash(self._tokens)


def _read_lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NmtError(f"no vocabulary file {path}: make it with bin/generate_vocab") from error
    except (OSError, UnicodeDecodeError) as error:
        raise NmtError(f"can't read the vocabulary {path}: {error}") from error
    # split("\n"), not splitlines(): a token may be any other character that Unicode calls a line end.
    return text.removesuffix("\n").split("\n") if text else []


class ByteVocab:
    """No vocabulary: every token is spelt, `--use_char_encode`. Bytes, as characters would need a vocabulary again.

    The numbers are tensorflow/nmt's: a byte b is b + 1; a token begins with 259, ends with 260 and is filled up to
    `WIDTH` with 261. A longer token is cut.
    """

    WIDTH = 50
    BEGIN, END, FILL = 259, 260, 261

    def ids(self, tokens: Iterable[str]) -> NDArray[np.int32]:
        """The spelling of `tokens`. Shape (number of tokens, WIDTH)."""
        import numpy as np

        spelt = [[self.BEGIN, *(byte + 1 for byte in self._bytes(token)), self.END] for token in tokens]
        ids = np.full((len(spelt), self.WIDTH), self.FILL, np.int32)
        for row, spelling in zip(ids, spelt, strict=True):
            row[: len(spelling)] = spelling
        return ids

    def tokens(self, ids: Iterable[Iterable[int]]) -> list[str]:
        """The tokens that are spelt so; a letter that was cut in two is lost."""
        return [bytes(i - 1 for i in spelt if 1 <= i <= 256).decode("utf-8", "ignore") for spelt in ids]

    def _bytes(self, token: str) -> bytes:
        # A lone surrogate, which no file can hold but a Python caller can, has no UTF-8.
        return token.encode("utf-8", "replace")[: self.WIDTH - 2]

    def __contains__(self, token: object) -> bool:
        return isinstance(token, str)  # all can be spelt

    def __len__(self) -> int:
        return self.FILL + 1


SourceVocab = Vocab | ByteVocab


def count_tokens(lines: Iterable[str], *, delimiter: str | None = None, downcase: bool = False) -> Counter[str]:
    """How often each token occurs in `lines`; the special tokens do not count as tokens.

    `delimiter` None splits on runs of white space, as the engine itself reads a corpus.
    """
    counts: Counter[str] = Counter()
    for line in lines:
        line = line.rstrip("\r\n")
        counts.update(token for token in (line.lower() if downcase else line).split(delimiter) if token)
    for special in SPECIALS:
        counts.pop(special, None)
    return counts


def select_tokens(counts: Counter[str], *, min_frequency: int = 1, max_vocab_size: int | None = None) -> list[str]:
    """The specials, then the tokens by falling frequency, those of one frequency in code point order.

    `max_vocab_size` counts the specials too. The order depends on the counts alone, never on the order in
    which lines came, so that the same corpus gives the same ids.
    """
    if max_vocab_size is not None and max_vocab_size < len(SPECIALS):
        raise NmtError(f"max_vocab_size is {max_vocab_size}, the special tokens alone are {len(SPECIALS)}")
    ranked = sorted((token for token, n in counts.items() if n >= min_frequency), key=lambda t: (-counts[t], t))
    return [*SPECIALS, *ranked][:max_vocab_size]


def write_vocab(path: Path, tokens: Sequence[str]) -> None:
    """Write a vocabulary file. Raises `NmtError` where `Vocab` would, and for tokens without the specials first."""
    if tuple(tokens[:3]) != SPECIALS:
        raise NmtError(f"a vocabulary begins with {', '.join(SPECIALS)}, this one with {', '.join(tokens[:3])!r}")
    Vocab(tokens).save(path)
