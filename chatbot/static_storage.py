"""How static files are stored: under names that carry their content's hash, so that browsers may keep them."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Also follows ``import`` between JavaScript modules: a page never mixes modules of two versions."""

    support_js_module_import_aggregation = True
