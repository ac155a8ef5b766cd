"""Call-backs at the console: who runs the place adds endpoints, others see what became of them."""

from __future__ import annotations

import re

import pytest

from payments import sealing
from payments.domain import ids
from tests.consoles import Desk, Office, a_person, actions, an_office, tree, words
from tests.databases import RING, House
from tests.doors import an_app
from tests.receivers import BROKEN, GONE, WELL, Receivers
from webhooks import delivery

LIST = "/console/callbacks"
HOOK = "https://erp.hoasen.example.vn/thuphi"


@pytest.fixture
def office(house: House) -> Office:
    assert RING.signing is not None
    sealing.seal_all(house.system, key=RING.signing, at=house.clock.now())
    made = an_office(house)
    made.app = an_app(house, THUPHI_CALLBACKS_ANYWHERE="0")
    return made


@pytest.fixture
def admin(office: Office, house: House) -> Desk:
    person = a_person(house, "Lan Bui", (office.school.biller_id, "admin"))
    return Desk(office.app, house.clock, "en").sign_in(person)


@pytest.fixture
def receivers() -> Receivers:
    return Receivers()


def work(house: House, receivers: Receivers) -> None:
    troubles: list[Exception] = []
    house.wait_for_others()
    delivery.drain(
        house.sessions,
        house.system,
        receivers,
        clock=house.clock,
        trouble=lambda _, error: troubles.append(error),
    )
    assert troubles == []


def added(admin: Desk, url: str = HOOK, kinds: str = "*") -> str:
    """The address of the new endpoint's page."""
    form = {"url": url, "kinds": kinds, "note": "Phần mềm kế toán"}
    assert admin.post(LIST, form, of=LIST).status_code == 200
    links = tree(admin.get(LIST)).xpath("//main//tbody//a/@href")
    return str(links[0])


def test_an_endpoint_is_added_and_its_secret_is_shown_this_once(
    admin: Desk, office: Office
) -> None:
    assert "No endpoints yet." in words(admin.get(LIST))

    answer = admin.post(LIST, {"url": HOOK, "kinds": "refund.* invoice.issued"}, of=LIST)

    [secret] = re.findall(r"whsec_[A-Za-z0-9+/=]{44}", words(answer))
    page = str(tree(admin.get(LIST)).xpath("//main//tbody//a/@href")[0])
    assert secret not in admin.get(page).text
    assert "invoice.issued, refund.*" in words(admin.get(page))
    assert answer.headers["Cache-Control"] == "no-store"
    office.viewer.language = "vi"
    assert "Đang báo" in words(office.viewer.get(LIST))


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"url": "http://erp.hoasen.example.vn/"}, "it must begin with https://"),
        ({"url": "https://10.0.0.1/"}, "it must be a domain name, not an IP address"),
        ({"url": HOOK, "kinds": "invoice.paid"}, "No kind of event matches: invoice.paid."),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_typed(
    admin: Desk, form: dict[str, str], said: str
) -> None:
    answer = admin.post(LIST, {"kinds": "*"} | form, of=LIST)

    assert answer.status_code == 422
    assert said in words(answer)
    assert form["url"] in answer.text


def test_whoever_only_reads_changes_nothing(office: Office, admin: Desk) -> None:
    page = added(admin)

    viewer = office.viewer
    assert actions(viewer.get(LIST)) == []
    assert actions(viewer.get(page)) == []
    assert viewer.post(f"{page}/disable", of=LIST).status_code == 403
    assert viewer.post(LIST, {"url": HOOK}, of=LIST).status_code == 403
    tabs = tree(viewer.get(LIST)).xpath("//nav[contains(@class, 'tabs')]//a/@href")
    assert LIST not in tabs
    assert LIST in tree(admin.get(LIST)).xpath("//nav[contains(@class, 'tabs')]//a/@href")


def test_the_log_shows_what_came_of_each_event_and_sends_again(
    admin: Desk, office: Office, house: House, receivers: Receivers
) -> None:
    page = added(admin)
    receivers.answers[HOOK] = lambda _: BROKEN
    office.order()
    work(house, receivers)
    seen = words(admin.get(page))
    assert "HTTP 500" in seen
    assert "Nothing could be delivered since" in seen
    narrowed = admin.get(f"{page}?status=delivered")
    assert "No event matches the filter." in words(narrowed)

    one = str(tree(admin.get(f"{page}?kind=invoice.*")).xpath("//main//tbody//a/@href")[0])
    assert "Next call" in words(admin.get(one))
    receivers.answers[HOOK] = lambda _: WELL
    answer = admin.post(f"{one}/replay", of=one)
    house.clock.advance(minutes=1)
    work(house, receivers)

    assert (answer.status_code, answer.headers["Location"]) == (303, one)
    seen = words(admin.get(one))
    assert "Delivered" in seen
    assert "invoice.issued" in seen


def test_a_stopped_endpoint_is_a_task_of_today_until_it_is_enabled_again(
    admin: Desk, office: Office, house: House, receivers: Receivers
) -> None:
    page = added(admin)
    receivers.answers[HOOK] = lambda _: GONE
    office.order()
    work(house, receivers)

    office.viewer.language = "vi"
    assert f"Thuphi đã ngừng báo về {HOOK}" in words(office.viewer.get("/console"))
    assert "answered 410 (gone)" in words(admin.get(page))
    assert admin.post(f"{page}/enable", of=page).status_code == 303
    assert HOOK not in words(office.viewer.get("/console"))


def test_a_test_event_is_sent_and_said(admin: Desk, house: House, receivers: Receivers) -> None:
    page = added(admin, kinds="day.signed_off")

    answer = admin.post(f"{page}/test", of=page)
    work(house, receivers)

    assert "A test event is on its way." in words(admin.get(answer.headers["Location"]))
    assert "endpoint.tested" in words(admin.get(page))


def test_a_secret_is_replaced_changes_are_saved_and_calls_are_stopped(
    admin: Desk, house: House
) -> None:
    page = added(admin)

    fresh = admin.post(f"{page}/secret", {"overlap": "168"}, of=page)
    saved = admin.post(f"{page}/change", {"url": HOOK + "/2", "kinds": "day.*"}, of=page)
    refused = admin.post(f"{page}/change", {"url": "ftp://x", "kinds": "*"}, of=page)
    stopped = admin.post(f"{page}/disable", of=page)

    assert re.search(r"whsec_[A-Za-z0-9+/=]{44}", words(fresh))
    assert "The old secret signs until" in words(fresh)
    assert (saved.status_code, refused.status_code, stopped.status_code) == (303, 422, 303)
    seen = words(admin.get(page))
    assert HOOK + "/2" in seen
    assert "Disabled" in seen
    assert admin.post(f"{page}/test", of=page).status_code == 409


def test_an_endpoint_or_event_that_is_not_there_is_not_found(admin: Desk) -> None:
    page = added(admin)

    nobody = f"{LIST}/{ids.shown('end', ids.new())}"
    assert admin.get(nobody).status_code == 404
    assert admin.get(f"{page}/{ids.shown('dlv', ids.new())}").status_code == 404
    assert admin.get(f"{page}/x").status_code == 404
    assert admin.post(f"{page}/{ids.shown('dlv', ids.new())}/replay", of=page).status_code == 404
    assert admin.get(f"{page}?status=x&kind=y").status_code == 200
