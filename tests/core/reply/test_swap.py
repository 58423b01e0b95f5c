"""Which model is live, and how another takes its place."""

import os
import threading

import pytest

from core.nmt.errors import NmtError
from core.registry import Manifest, Registry
from core.reply.errors import ReplyError
from core.reply.model import ModelRef
from core.reply.swap import CurrentModel, FixedModel, HotSwap


class Source:
    """A model source that tests set by hand."""

    def __init__(self, name="run-1"):
        self.name = name
        self.stamp = 0

    def set(self, name):
        self.name = name
        self.stamp += 1

    def marker(self):
        return self.stamp

    def find(self):
        return ModelRef(self.name, None)


@pytest.fixture
def make_swap():
    made = []

    def make(source, load, interval=0.01):
        made.append(HotSwap(source, load, interval=interval))
        return made[-1]

    yield make
    for swap in made:
        swap.close(5)


def make_run(registry, weights=b"weights"):
    with registry.lock():
        draft = registry.new_run()
        draft.model_dir.mkdir()
        (draft.model_dir / "weights").write_bytes(weights)
        return registry.finish(draft, Manifest(run="", created_at="now"))


def test_a_new_model_takes_over(make_swap, live, wait_until):
    source = Source()
    swap = make_swap(source, lambda ref: live(ref.name))
    assert swap.live.name == "run-1"
    source.set("run-2")
    wait_until(lambda: swap.live.name == "run-2")


def test_the_old_model_answers_until_the_new_one_is_loaded(make_swap, live, wait_until):
    source, loading, ready = Source(), threading.Event(), threading.Event()

    def load(ref):
        if ref.name == "run-2":
            loading.set()
            assert ready.wait(5)
        return live(ref.name)

    swap = make_swap(source, load)
    source.set("run-2")
    assert loading.wait(5)
    assert swap.live.name == "run-1"
    ready.set()
    wait_until(lambda: swap.live.name == "run-2")


@pytest.mark.parametrize("error", [NmtError("cut short"), ReplyError("no"), ValueError("shapes"), MemoryError()])
def test_a_bad_model_is_refused_once_and_the_old_one_goes_on(make_swap, live, wait_until, caplog, error):
    source, tried = Source(), []

    def load(ref):
        tried.append(ref.name)
        if ref.name == "bad":
            raise error
        return live(ref.name)

    swap = make_swap(source, load)
    source.set("bad")
    wait_until(lambda: "refused" in caplog.text)
    threading.Event().wait(0.1)  # ten more looks
    assert tried == ["run-1", "bad"]
    assert swap.live.name == "run-1"
    source.set("run-3")
    wait_until(lambda: swap.live.name == "run-3")


def test_a_bad_model_is_tried_again_when_the_link_changes(make_swap, live, wait_until):
    source, tried = Source(), []

    def load(ref):
        tried.append(ref.name)
        if tried.count("mended") == 1:
            raise NmtError("damaged")
        return live(ref.name)

    swap = make_swap(source, load)
    source.set("mended")
    wait_until(lambda: "mended" in tried)
    assert swap.live.name == "run-1"
    source.set("mended")
    wait_until(lambda: swap.live.name == "mended")


def test_the_live_model_published_again_is_not_loaded_again(make_swap, live, wait_until):
    source, tried = Source(), []

    def load(ref):
        tried.append(ref.name)
        return live(ref.name)

    swap = make_swap(source, load)
    source.set("run-1")
    wait_until(lambda: swap._seen == 1)
    source.set("run-2")
    wait_until(lambda: swap.live.name == "run-2")
    assert tried == ["run-1", "run-2"]


def test_without_a_first_model_there_is_nothing_to_fall_back_on(live):
    def load(ref):
        raise ReplyError("damaged")

    with pytest.raises(ReplyError, match="damaged"):
        HotSwap(Source(), load)


def test_without_an_interval_nothing_watches(make_swap, live):
    swap = make_swap(Source(), lambda ref: live(ref.name), interval=None)
    assert [thread.name for thread in threading.enumerate() if thread.name == "model-watcher"] == []
    assert swap.live.name == "run-1"


class TestCurrentModel:
    @pytest.fixture
    def registry(self, tmp_path):
        return Registry(tmp_path)

    def test_it_is_what_the_link_names(self, registry):
        run = make_run(registry)
        registry.publish(run)
        assert CurrentModel(registry).find() == ModelRef(run.name, run.model_dir)

    def test_it_is_the_bundled_one_where_nothing_was_published(self, registry):
        registry.bundle(make_run(registry))
        assert CurrentModel(registry).find() == ModelRef("initial", registry.initial_dir / "model")

    def test_with_no_model_at_all_it_says_what_to_do(self, registry):
        with pytest.raises(ReplyError, match="makedata"):
            CurrentModel(registry).find()

    def test_a_damaged_run_is_refused(self, registry):
        run = make_run(registry)
        registry.publish(run)
        (run.model_dir / "weights").write_bytes(b"others")
        with pytest.raises(ReplyError, match="damaged"):
            CurrentModel(registry).find()

    def test_a_link_to_nowhere_is_an_error_not_the_bundled_model(self, registry):
        registry.bundle(make_run(registry))
        os.symlink("models/20260101-000000-abcd", registry.current_link)
        with pytest.raises(ReplyError, match="20260101-000000-abcd"):
            CurrentModel(registry).find()

    def test_its_marker_changes_with_each_publish(self, registry):
        source = CurrentModel(registry)
        first, second = make_run(registry), make_run(registry)
        markers = [source.marker()]
        for run in (first, second, second):
            registry.publish(run)
            markers.append(source.marker())
        assert len(set(markers)) == 4
        assert source.marker() == source.marker()


class TestFixedModel:
    def test_it_is_called_after_its_run(self, tmp_path):
        model_dir = tmp_path / "20260101-000000-abcd" / "model"
        model_dir.mkdir(parents=True)
        assert FixedModel(model_dir).find() == ModelRef("20260101-000000-abcd", model_dir)

    def test_it_is_called_after_itself_elsewhere(self, tmp_path):
        (tmp_path / "mine").mkdir()
        assert FixedModel(tmp_path / "mine").find().name == "mine"

    def test_a_missing_directory_is_an_error(self, tmp_path):
        with pytest.raises(ReplyError, match="nowhere"):
            FixedModel(tmp_path / "nowhere").find()
