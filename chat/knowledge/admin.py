"""The admin's page of what is neither answered nor said."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter

from chat.models import BlockRule
from core.reply import Blocklist, ReplyError
from core.text import normalise


def may_view_rules(request: HttpRequest) -> bool:
    """Tell whether the sidebar shows the block list."""
    return request.user.has_perm("chat.view_blockrule")


class BlockRuleForm(forms.ModelForm):
    """A rule that can be read and does not block everything."""

    class Meta:
        model = BlockRule
        fields = ("kind", "pattern", "active", "note")

    def clean(self) -> dict[str, Any]:
        """Refuse a pattern that is none, and one that is found in an empty text and so in every text."""
        cleaned = super().clean() or self.cleaned_data
        kind, pattern = cleaned.get("kind"), cleaned.get("pattern", "")
        if kind == BlockRule.Kind.WORD and pattern and not normalise(pattern):
            self.add_error("pattern", _("막을 말이 비어 있어요."))
        if kind == BlockRule.Kind.PATTERN and pattern:
            try:
                everything = Blocklist(patterns=(pattern,)).blocks("")
            except ReplyError:
                self.add_error("pattern", _("정규식을 읽지 못했어요. 괄호와 기호를 살펴봐 주세요."))
            else:
                if everything:
                    self.add_error("pattern", _("이 정규식은 모든 말을 막아요."))
        return cleaned


@admin.register(BlockRule)
class BlockRuleAdmin(ModelAdmin):
    """Words and patterns; what is saved here holds from the next question on."""

    form = BlockRuleForm
    list_display = ("pattern", "kind", "active", "note", "created_at")
    list_filter = (("kind", ChoicesDropdownFilter), ("active", BooleanRadioFilter))
    list_filter_submit = True
    search_fields = ("pattern", "note")
