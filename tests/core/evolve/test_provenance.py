"""Fingerprints of a corpus, of packages and of the code."""

import subprocess

from core.corpus import Corpus, Example, Pair
from core.evolve.provenance import corpus_hash, git_commit, package_versions


def corpus(train, test=()):
    def examples(pairs):
        return [Example([], [], Pair(question, answer)) for question, answer in pairs]

    return Corpus(examples(train), [], examples(test), [], [], report=None)


def test_the_hash_depends_on_the_pairs_and_their_sets_not_on_their_order():
    one = corpus([("가", "나"), ("다", "라")])
    assert corpus_hash(one) == corpus_hash(corpus([("다", "라"), ("가", "나")]))
    assert corpus_hash(one) != corpus_hash(corpus([("가", "나"), ("다", "마")]))
    assert corpus_hash(one) != corpus_hash(corpus([("가", "나")], test=[("다", "라")]))


def test_packages_that_are_not_installed_are_left_out():
    assert set(package_versions(["numpy", "no-such-package-anywhere"])) == {"numpy"}


def test_the_commit_is_that_of_the_checkout(tmp_path):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *command], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    assert git_commit(tmp_path) == head
    inside = tmp_path / "unpacked"
    inside.mkdir()
    assert git_commit(inside) is None


def test_without_a_checkout_there_is_no_commit(tmp_path):
    assert git_commit(tmp_path) is None
    assert git_commit(tmp_path / "nowhere") is None
