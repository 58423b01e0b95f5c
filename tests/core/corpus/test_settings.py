import pytest

from core.corpus import CorpusError, CorpusSettings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dev_share": 0.5, "test_share": 0.5}, "below 1"),
        ({"dev_share": -0.1}, "dev_share -0.1"),
        ({"min_frequency": 0}, "min_frequency is 0: choose 1 or more"),
        ({"src_max_len": 0}, "src_max_len"),
        ({"tgt_max_len": -1}, "tgt_max_len"),
        ({"max_vocab_size": 3}, "max_vocab_size is 3: choose 4 or more"),
        ({"max_dev": -1}, "max_dev"),
    ],
)
def test_settings_that_make_no_sense_are_refused(values, message):
    with pytest.raises(CorpusError, match=message):
        CorpusSettings(**values)
