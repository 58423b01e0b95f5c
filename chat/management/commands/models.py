"""``manage.py models``: list the model versions, look at one, make one live, go back, and free the disk."""

import getpass
import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chat.versions.records import objects
from core.errors import JaramError
from core.registry import Registry, RegistryError, Run
from core.registry.pruning import Prunable, Retention, prunable, prune


class Command(BaseCommand):
    """Parses the command line, asks the registry and says what came of it."""

    help = "List, inspect, publish, roll back and prune the model versions of DATA_DIR."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command line."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="every version, oldest first, and which one is live")
        show = actions.add_parser("show", help="what the manifest of a version says")
        publish = actions.add_parser("publish", help="make a version live; a running server takes it within seconds")
        actions.add_parser("rollback", help="make the version that was live before live again")
        pruning = actions.add_parser("prune", help="remove versions that nothing needs any more")
        for action in (listing, show):
            action.add_argument("--json", action="store_true", help="print JSON")
        for action in (show, publish):
            action.add_argument("name", help="a version as `list` prints it; `initial` is the bundled one")
        publish.add_argument("--force", action="store_true", help="also a version that the gate rejected; asks first")
        publish.add_argument("--no-input", action="store_true", help="do not ask")
        defaults = Retention()
        pruning.add_argument(
            "--keep",
            type=_number,
            default=defaults.newest,
            metavar="N",
            help=f"keep the N newest versions (default {defaults.newest})",
        )
        pruning.add_argument(
            "--ancestors",
            type=_number,
            default=defaults.ancestors,
            metavar="N",
            help=f"keep the N versions to roll back to, those last live (default {defaults.ancestors})",
        )
        pruning.add_argument("--dry-run", action="store_true", help="say what would be removed, and remove nothing")

    def handle(self, *, action: str, **options: Any) -> None:
        """Run what was asked for."""
        registry = Registry(settings.DATA_DIR)
        try:
            for line in getattr(self, f"_{action}")(registry, options):
                self.stdout.write(line)
        except JaramError as error:
            raise CommandError(str(error)) from error

    def _list(self, registry: Registry, options: Mapping[str, Any]) -> Iterator[str]:
        rows = [_row(registry, name) for name in registry.names()]
        if options["json"]:
            yield json.dumps(rows, ensure_ascii=False, indent=2)
            return
        if not rows:
            yield f"no model versions in {registry.data_dir}: manage.py makedata makes one"
            return
        for row in rows:
            yield _line(row)

    def _show(self, registry: Registry, options: Mapping[str, Any]) -> Iterator[str]:
        run = registry.get(options["name"])
        row = _row(registry, run.name)
        if options["json"]:
            yield json.dumps({**row, "manifest": run.manifest.to_dict()}, ensure_ascii=False, indent=2)
            return
        yield _line(row)
        yield f"  made      {run.manifest.created_at} from {run.manifest.parent or 'nothing'}"
        yield f"  corpus    {row['pairs']} pairs, hash {row['corpus'] or 'unknown'}"
        questions = run.manifest.metrics.get("trained_questions")
        yield f"  trained   {_score(run, 'uptake', 100, '%')} of {questions} questions"
        yield f"  unseen    BLEU {_score(run, 'heldout_bleu')}, chrF {_score(run, 'heldout_chrf')}"
        for bar in objects(run.manifest.gate, "bars"):
            yield f"  gate      {'passed' if bar.get('passed') else 'FAILED'}  {bar.get('text')}"
        for publication in registry.publications():
            if publication.run == run.name:
                yield f"  live      {publication.at} by {publication.by or 'unknown'} ({publication.reason})"

    def _publish(self, registry: Registry, options: Mapping[str, Any]) -> Iterator[str]:
        run = registry.get(options["name"])
        force = options["force"]
        if run.rejected:
            _require_force(run, force)
            if not options["no_input"]:
                self._confirm(run)
        registry.publish(run, by=_user(), force=force)
        before = next(registry.earlier(), None)
        yield f"{run.name} is live" + (f"; manage.py models rollback goes back to {before.name}" if before else "")

    def _confirm(self, run: Run) -> None:
        if not sys.stdin.isatty():
            raise CommandError("nobody is there to confirm it: add --no-input to publish without being asked")
        for bar in objects(run.manifest.gate, "bars"):
            if not bar.get("passed"):
                self.stdout.write(f"FAILED  {bar.get('text')}")
        if input(f"publish {run.name} all the same? Type yes: ").strip() != "yes":
            raise CommandError("not published; the live model is as it was")

    def _rollback(self, registry: Registry, options: Mapping[str, Any]) -> Iterator[str]:
        try:
            run = registry.rollback(by=_user())
        except RegistryError as error:
            raise CommandError(f"{error}; choose another version with manage.py models publish") from error
        yield f"{run.name} is live again"

    def _prune(self, registry: Registry, options: Mapping[str, Any]) -> Iterator[str]:
        retention = Retention(newest=options["keep"], ancestors=options["ancestors"])
        if options["dry_run"]:
            yield from _pruned(prunable(registry, retention), "would be removed")
        else:
            yield from _pruned(prune(registry, retention), "removed")


def _row(registry: Registry, name: str) -> dict[str, Any]:
    """What `list` says of a version; of a damaged one, why it can't be used."""
    live = registry.live_name() == name
    try:
        run = registry.get(name)
    except RegistryError as error:
        return {"name": name, "live": live, "damaged": str(error)}
    manifest = run.manifest
    return {
        "name": name,
        "live": live,
        "created_at": manifest.created_at,
        "parent": manifest.parent,
        "corpus": manifest.corpus.get("hash"),
        "pairs": manifest.corpus.get("train"),
        "metrics": dict(manifest.metrics),
        "gate": _verdict(run),
        "damaged": None,
    }


def _line(row: Mapping[str, Any]) -> str:
    mark = "*" if row["live"] else " "
    if row["damaged"]:
        return f"{mark} {row['name']:<20}  damaged: {row['damaged']}"
    uptake, chrf = row["metrics"].get("uptake"), row["metrics"].get("heldout_chrf")
    return (
        f"{mark} {row['name']:<20}  {row['created_at']:<25}  {row['pairs'] or '?':>7} pairs  "
        f"trained {_number_or_dash(uptake, 100):>5}%  unseen chrF {_number_or_dash(chrf):>5}  {row['gate']}"
    )


def _verdict(run: Run) -> str:
    gate = run.manifest.gate
    if not gate:
        return "no gate"
    if run.rejected:
        return "rejected"
    return "forced" if gate.get("forced") else "passed"


def _score(run: Run, name: str, factor: int = 1, unit: str = "") -> str:
    return _number_or_dash(run.manifest.metrics.get(name), factor) + unit


def _number_or_dash(value: object, factor: int = 1) -> str:
    return f"{factor * value:.1f}" if isinstance(value, int | float) else "–"


def _require_force(run: Run, force: bool) -> None:
    if not force:
        failed = [str(bar.get("text")) for bar in objects(run.manifest.gate, "bars") if not bar.get("passed")]
        reasons = "; ".join(failed) or "no bar is named"
        raise CommandError(f"the gate rejected {run.name} ({reasons}): --force publishes it all the same")


def _pruned(versions: list[Prunable], what: str) -> Iterator[str]:
    for version in versions:
        yield f"{version.name}  {version.bytes / 1e6:.1f} MB  {what}"
    yield f"{len(versions)} versions, {sum(version.bytes for version in versions) / 1e6:.1f} MB {what}"


def _user() -> str:
    """Whoever runs the command, for the log of publications."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return ""


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)
