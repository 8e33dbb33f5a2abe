"""People with accounts: getting in and out, the lock, commands that an ended session held up, and who may be what."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.staff import ADMIN, AUDITOR, NURSE, OTHER, StaffedSite, get_in, log_in, password, staffed
from tests.browser.station import Screens, Station
from tests.browser.test_looks import NARROW, SMALL
from tests.browser.wire import Wire
from tests.product import eventually

pytestmark = pytest.mark.browser

COOKIE = "vigil_session"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StaffedSite]:
    """One of its own: with the first account the key of a product opens nothing any more."""
    with staffed(tmp_path_factory.mktemp("staffed")) as opened:
        yield opened


@pytest.fixture
def screens(browser: Browser, site: StaffedSite, wire: Wire) -> Iterator[Screens]:
    held = Screens(browser, site, wire)
    yield held
    complaints = [text for _, station in held.opened for text in station.complaints]
    for context, _ in held.opened:
        context.close()
    assert complaints == []


def logged_in(screens: Screens, user_id: str) -> Station:
    station = screens.blank()
    get_in(station.page, screens.origin, user_id)
    return station


def kept(page: Page) -> str:
    """All that a script can find of who is logged in."""
    return str(page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])"))


def move(page: Page) -> None:
    for x in range(20, 400, 40):
        page.mouse.move(x, 300)
    page.keyboard.press("2")


def test_password_gets_in_survives_a_reload_and_is_kept_nowhere(screens: Screens, site: StaffedSite) -> None:
    station = screens.blank()
    page = station.page
    page.clock.install()
    page.goto(f"{screens.origin}/#key={site.secret}")
    expect(page.locator(".trouble")).to_contain_text("The access key opens nothing any more")
    log_in(page, NURSE, "not the password of hers")
    expect(page.locator(".trouble")).to_have_text("Name and password do not go together, or the account is closed.")
    log_in(page, NURSE)
    expect(page.locator(".strip .user")).to_contain_text("Li Na · Nurse")
    (cookie,) = [one for one in page.context.cookies() if one["name"] == COOKIE]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert not any(secret in kept(page) for secret in (password(NURSE), cookie["value"], "csrf", "Bearer"))
    page.reload()
    expect(page.locator(".strip .user")).to_contain_text("Li Na", timeout=15_000)
    told: list[str] = []
    page.on("request", lambda sent: told.append(sent.url) if sent.url.endswith("/auth/active") else None)
    for minute in (1, 2):  # that somebody is at the screen is told once in each
        move(page)
        page.clock.fast_forward(61_000)
        with page.expect_request("**/auth/active"):
            move(page)
        move(page)
        page.wait_for_function(
            "async () => (await fetch('api/v1/me')).ok"
        )  # what was asked before it has been seen by now
        assert len(told) == minute
    station.view("more")
    page.get_by_role("button", name="Lock now").click()
    expect(page.locator(".bar.locked")).to_contain_text("Names are hidden. Alerts go on.")
    page.locator(".bar.locked").get_by_role("button", name="Log out").click()
    form = page.locator(".log-in-form")
    expect(form).to_be_visible()
    page.reload()
    expect(form).to_be_visible()


#: Keeps the signals of the streams in the order in which the page asks for them: Playwright may tell of an aborted one last.
STREAMS = """{
    globalThis.streams = [];
    const { fetch } = globalThis;
    globalThis.fetch = (url, options) => {
        if (String(url).endsWith("api/v1/stream")) streams.push(options.signal);
        return fetch(url, options);
    };
}"""
ABORTED = "streams.map(one => one.aborted)"


def test_the_ward_that_was_asked_for_early_is_shown_if_it_is_of_this_session(screens: Screens) -> None:
    page = logged_in(screens, NURSE).page
    page.add_init_script(STREAMS)
    page.reload()
    expect(page.locator(".strip .data time")).to_be_visible(timeout=15_000)
    assert page.evaluate(ABORTED) == [False]
    asked: list[Route] = []

    def of_another_at_first(route: Route) -> None:
        asked.append(route)
        if len(asked) == 1:
            route.fulfill(json={"csrf": "of a session that this browser had a moment ago"})

    page.route("**/api/v1/me", of_another_at_first)
    page.reload()
    page.wait_for_function("streams.length === 1")
    eventually(lambda: page.evaluate("true") and len(asked) == 2, what="the page asks who this is")
    asked[1].continue_()
    expect(page.locator(".strip .data time")).to_be_visible(timeout=15_000)
    assert page.evaluate(ABORTED) == [True, False]


def test_who_has_an_alert_is_said_by_the_name_that_others_see(screens: Screens, site: StaffedSite) -> None:
    patient_id, _ = site.ill()
    alert = site.alert_that_comes(patient_id)
    logged_in(screens, NURSE).show(alert["id"]).get_by_role("button", name="Acknowledge: I deal with it").click()
    other = logged_in(screens, ADMIN)
    card = other.show(alert["id"])
    expect(card.locator(".standing")).to_contain_text("Li Na has it since")
    expect(card.locator(".history")).to_contain_text("Acknowledged Li Na")
    other.view("handover")
    expect(other.page.locator("article.handover-note")).to_contain_text("Li Na has it since")
    expect(other.page.locator("main")).not_to_contain_text(NURSE)


def test_lock_hides_names_lets_alerts_through_and_repeats_what_it_held_up(screens: Screens, site: StaffedSite) -> None:
    patient_id, family = site.ill()
    station = logged_in(screens, NURSE)
    page = station.page
    station.view("worklist")
    row = station.wait_for_row(patient_id)
    expect(row).to_contain_text(family)
    alert_id = site.alert_that_comes(patient_id)["id"]
    line = row.locator(f'[data-alert="{alert_id}"]')
    headers = {"X-Vigil-CSRF": page.evaluate("async () => (await (await fetch('api/v1/me')).json()).csrf")}

    def locked_before(route: Route) -> None:
        page.context.request.post(f"{screens.origin}/api/v1/auth/lock", headers=headers)
        route.continue_()

    page.route("**/acknowledge", locked_before)
    line.get_by_role("button", name="Acknowledge").click()
    bar = page.locator(".bar.locked")
    expect(bar).to_be_visible()
    expect(line).to_contain_text("Not sent: the screen is locked. Unlock, then I repeat it.")
    expect(page.locator("body")).not_to_contain_text(family)
    second, other = site.ill("high")
    page.locator(".new-band .new").click()
    expect(station.row(second)).to_contain_text(second)
    expect(page.locator("body")).not_to_contain_text(other)
    page.unroute("**/acknowledge")
    bar.get_by_label("Password").fill("somebody else's guess")
    bar.get_by_role("button", name="Unlock").click()
    expect(bar.locator(".trouble")).to_have_text("This password is not right.")
    bar.get_by_label("Password").fill(password(NURSE))
    bar.get_by_role("button", name="Unlock").click()
    expect(bar).to_have_count(0)
    expect(row).to_contain_text(family)
    expect(line).to_contain_text("by you", timeout=15_000)
    assert site.alert_that_comes(patient_id)["acknowledged_by"] == NURSE


def test_session_that_ended_keeps_the_command_for_the_person_who_gave_it(screens: Screens, site: StaffedSite) -> None:
    patient_id, family = site.ill()
    station = logged_in(screens, NURSE)
    page = station.page
    station.view("worklist")
    row = station.wait_for_row(patient_id)
    line = row.locator(".alert-line").first
    site.admin.post(f"/users/{NURSE}/disable").raise_for_status()
    site.admin.post(f"/users/{NURSE}/enable").raise_for_status()
    dialog = page.locator("dialog.again")
    expect(dialog).to_be_visible(timeout=15_000)
    expect(row).not_to_contain_text(family)
    log_in(page, NURSE)
    expect(dialog).to_have_count(0)
    expect(row).to_contain_text(family)
    page.context.clear_cookies()
    line.get_by_role("button", name="Acknowledge").click()
    expect(line).to_contain_text("Not sent: log-in ended. Log in, then I repeat it.")
    log_in(page, NURSE)
    expect(line).to_contain_text("by you", timeout=15_000)
    assert site.alert_that_comes(patient_id)["acknowledged_by"] == NURSE


NAMELESS = """() => [...document.querySelectorAll('button, a[href], input, select, textarea')]
  .filter(one => one.checkVisibility() && !one.closest('[aria-hidden=true]') && !one.matches('[aria-hidden=true]'))
  .filter(one => !(one.labels?.length || one.textContent.trim() || one.getAttribute('aria-label')))
  .map(one => one.outerHTML)"""

CHINESE = "() => import('/page/preferences.js').then(choices => choices.prefer({lang: 'zh'}))"


def wrong_on_a_phone(page: Page, view: str) -> list[str]:
    """Side scroll, controls that are too small or have no name, and keys of the catalogue instead of words."""
    page.evaluate("view => { location.hash = `#/${view}` }", view)
    expect(page.locator("main h1")).to_be_focused()
    for folded in page.locator(".office summary").all():
        folded.click()
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    keys = page.evaluate("document.body.innerText.match(/\\b[a-z]+\\.[a-z]+_[a-z_]+\\b/g)")
    return [
        *([f"{wide} px too wide"] if wide > 0 else []),
        *(keys or []),
        *page.evaluate(SMALL),
        *page.evaluate(NAMELESS),
    ]


def test_admin_makes_an_account_and_a_key_closes_both_and_finds_it_in_the_log(
    screens: Screens, site: StaffedSite
) -> None:
    station = logged_in(screens, ADMIN)
    page = station.page
    station.view("more")
    page.get_by_role("link", name="People").click()
    page.get_by_text("Add a person").click()
    other = page.locator(".things li", has_text=AUDITOR)
    other.get_by_role("button", name="Change").click()
    expect(other.get_by_label("Role")).to_have_value("auditor")
    expect(other.get_by_label("All wards")).to_be_checked()
    form = page.locator(".add form")
    form.get_by_label("Log-in name").fill("new.nurse")
    form.get_by_label("Name as others see it").fill("Hu <b>Jing</b>")
    form.get_by_label("Names, with commas between").fill("Test, South")
    form.get_by_label("First password").fill(password("new.nurse"))
    form.get_by_role("button", name="Make the account").click()
    person = page.locator(".things li", has_text="new.nurse")
    expect(person).to_contain_text("Hu <b>Jing</b>")
    expect(person).to_contain_text("Nurse · South, Test")
    nurse = logged_in(screens, "new.nurse")
    nurse.view("more")
    expect(nurse.page.locator(".pages a")).to_have_text(["On call and teams", "System health"])
    nurse.page.get_by_text("Change your password").click()
    nurse.page.get_by_label("Password now").fill(password("new.nurse"))
    nurse.page.get_by_label("New password").fill("another long sentence")
    nurse.page.get_by_role("button", name="Save").click()
    expect(nurse.page.locator(".outcome")).to_have_text("Password changed. Your other log-ins have ended.")
    person.get_by_role("button", name="Close the account").click()
    expect(person.get_by_role("button", name="Leave it as it is")).to_be_focused()
    person.locator(".confirm").get_by_role("button", name="Close the account").click()
    expect(nurse.page.locator("dialog.again")).to_be_visible(timeout=15_000)
    page.get_by_role("link", name="Back").click()
    page.get_by_role("link", name="Keys for programs").click()
    page.get_by_text("Make a key").click()
    form = page.locator(".add form")
    form.get_by_label("Which program").fill("dashboard")
    form.get_by_label("May do").select_option("read")
    form.get_by_label("All wards").check()
    form.get_by_role("button", name="Make the key").click()
    secret = page.get_by_label("The key", exact=True).input_value()
    asked = {"Authorization": f"Bearer {secret}"}
    assert httpx.get(f"{site.url}/api/v1/patients", headers=asked, timeout=10).status_code == 200
    page.get_by_role("button", name="I have kept it").click()
    expect(page.locator("body")).not_to_contain_text(re.compile("vgl_"))
    token = page.locator(".things li", has_text="dashboard")
    token.get_by_role("button", name="Revoke").click()
    token.locator(".confirm").get_by_role("button", name="Revoke").click()
    expect(token).to_contain_text("Revoked")
    assert httpx.get(f"{site.url}/api/v1/patients", headers=asked, timeout=10).status_code == 401
    page.evaluate("location.hash = '#/audit'")
    page.get_by_label("By whom").fill(ADMIN)
    page.get_by_label("Path, as in the API").fill("/api/v1/tokens/{token_id}/revoke")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".audit-table tbody tr")).to_have_count(2)
    expect(page.locator(".audit-table tbody tr").first).to_contain_text("answered 200")
    page.evaluate("location.hash = '#/system'")
    checks = site.request("GET", "/health")["checks"]
    expect(page.locator(".checks li")).to_have_count(len(checks))
    expect(page.locator(".summary")).to_contain_text(f"All {len(checks)} checks are well. Checked ")
    words = "name => import('/page/words.js').then(words => words.known(`check.${name}`))"
    assert all(page.evaluate(words, one["name"]) for one in checks)
    page.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
    page.evaluate(CHINESE)
    views = ("rota", "people", "tokens", "reviews", "audit", "system")
    assert [wrong_on_a_phone(page, view) for view in views] == [[]] * 6


def test_emergency_opens_a_foreign_record_and_its_ward_and_the_auditor_see_it(
    screens: Screens, site: StaffedSite
) -> None:
    patient_id = site.admit("Foreign", "Flora", ward="North")
    ward = logged_in(screens, OTHER)
    nurse = logged_in(screens, NURSE)
    nurse.page.evaluate("id => { location.hash = `#/patient/${id}` }", patient_id)
    expect(nurse.page.locator("main")).to_contain_text("not on this ward, or you may not see the record")
    nurse.page.get_by_role("button", name="Open in an emergency").click()
    dialog = nurse.page.locator(".glass-dialog")
    expect(dialog).to_contain_text("The person's ward is told at once that you did.")
    expect(dialog.get_by_role("button", name="Do not open")).to_be_focused()
    dialog.get_by_label("Why").fill("collapsed in the corridor of our ward")
    dialog.get_by_role("button", name="Open the record").click()
    expect(nurse.page.locator(".patient-banner")).to_contain_text("Foreign, Flora")
    expect(nurse.page.locator(".bar.glass")).to_contain_text("Opened by you in an emergency")
    told = ward.page.locator(".bar.glass")
    expect(told).to_contain_text(
        re.compile(r"li\.na opened this record in an emergency, until \d\d:\d\d: Foreign, Flora")
    )
    expect(told).not_to_contain_text("corridor")
    auditor = logged_in(screens, AUDITOR)
    auditor.view("more")
    expect(auditor.page.locator(".pages a")).to_have_text(
        ["On call and teams", "Records opened in emergencies", "Audit log", "System health"]
    )
    auditor.page.get_by_role("link", name="Records opened in emergencies").click()
    grant = auditor.page.locator(".things li", has_text=patient_id)
    expect(grant).to_contain_text("collapsed in the corridor of our ward")
    grant.get_by_role("button", name="Justified", exact=True).click()
    expect(grant).to_have_count(0)
    auditor.page.get_by_label("Show reviewed ones too").check()
    expect(grant).to_contain_text(re.compile(r"sun\.li, \d\d:\d\d: Justified\."))
