"""The portal: pages for people who are not programmers, on the same services as the REST API."""

from __future__ import annotations

from app.web.portal import (
    account,
    account_tokens,
    admin,
    admin_devices,
    admin_studies,
    approval,
    attachments,
    audit,
    cases,
    copies,
    dashboard,
    desk,
    disclosures,
    files,
    home,
    invitations,
    language,
    odk,
    people,
    protection,
    questionnaires,
    queue,
    releases,
    sign_in,
    withdrawals,
)
from app.web.portal.routing import Pages

__all__ = ["PAGES"]

PAGES: tuple[Pages, ...] = (
    files.pages,
    language.pages,
    sign_in.pages,
    invitations.pages,
    home.pages,
    account.pages,
    account_tokens.pages,
    admin.pages,
    admin_devices.pages,
    admin_studies.pages,
    people.pages,
    questionnaires.pages,
    odk.pages,
    dashboard.pages,
    audit.pages,
    disclosures.pages,
    protection.pages,
    withdrawals.pages,
    cases.pages,
    queue.pages,
    desk.pages,
    approval.pages,
    attachments.pages,
    copies.pages,
    releases.pages,
)
