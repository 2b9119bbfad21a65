import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk
from starlette.requests import Request

from emg_api.access.callers import pseudonym
from emg_api.access.oidc import OidcAccess, Provider, subjects_of
from emg_api.refusals import BadAuthorization, InvalidToken, KeysUnavailable, NotAllowed, NoToken, SessionNotFound
from tests.support.tokens import AUDIENCE, ISSUER, NOW_S, IdentityProvider, rsa_key


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="session")
def signing_key():
    return rsa_key()


@pytest.fixture
def provider(signing_key):
    return IdentityProvider(keys=[signing_key])


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def access(provider, clock):
    wanted = Provider(issuer=ISSUER, audience=AUDIENCE)
    return OidcAccess(wanted, provider.fetch, now=clock, wall_clock=lambda: NOW_S)


def bearing(*values: str) -> Request:
    return Request({"type": "http", "headers": [(b"authorization", value.encode()) for value in values]})


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


async def test_a_token_tells_its_bearer_by_a_pseudonym_and_the_subjects(access, provider):
    caller = await access.identify(bearing(f"Bearer {provider.token()}"))

    assert (caller.pseudonym, caller.subjects) == (pseudonym(ISSUER, "therapist-7"), {"P001"})
    assert "therapist" not in caller.pseudonym


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW_S - 31},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": NOW_S + 31},
        {"iat": NOW_S + 31},
        {"iss": "https://identity.example.org/"},
        {"iss": None},
        {"aud": "another-api"},
        {"aud": ["another-api"]},
        {"aud": None},
        {"sub": None},
        {"sub": 7},
    ],
)
async def test_a_token_that_is_not_for_us_or_not_for_now_is_refused(access, provider, claims):
    with pytest.raises(InvalidToken):
        await access.identify(bearing(f"Bearer {provider.token(**claims)}"))


async def test_a_clock_may_be_half_a_minute_off(access, provider):
    await access.identify(bearing(f"Bearer {provider.token(exp=NOW_S - 29, nbf=NOW_S + 29)}"))


@pytest.mark.parametrize("header", [{"typ": "logout+jwt"}, {"typ": 5}, {"crit": ["exp"]}, {"kid": "unknown"}])
async def test_a_token_of_another_kind_is_refused(access, provider, header):
    with pytest.raises(InvalidToken):
        await access.identify(bearing(f"Bearer {provider.token(header)}"))


async def test_a_token_without_a_signature_is_refused(access):
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "exp": NOW_S + 60}
    for algorithm in ("none", "None", "NONE", ""):
        token = f"{encoded({'alg': algorithm})}.{encoded(claims)}."
        with pytest.raises(InvalidToken):
            await access.identify(bearing(f"Bearer {token}"))


async def test_a_public_key_is_no_shared_secret(access, provider):
    """HS256 with the published key as secret: the classic confusion of algorithms."""
    key = provider.keys[0]
    for secret in (key.as_pem(private=False), key.as_der(private=False)):
        signed = (
            f"{encoded({'alg': 'HS256', 'kid': key.kid})}.{encoded({'iss': ISSUER, 'sub': 'x', 'exp': NOW_S + 60})}"
        )
        signature = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), hashlib.sha256)).rstrip(b"=").decode()
        with pytest.raises(InvalidToken):
            await access.identify(bearing(f"Bearer {signed}.{signature}"))


async def test_a_published_symmetric_key_signs_nothing(access, provider):
    shared = jwk.OctKey.generate_key(256, {"kid": "shared"})
    token = provider.token({"alg": "HS256"}, key=shared)
    provider.keys.append(shared)

    with pytest.raises(InvalidToken):
        await access.identify(bearing(f"Bearer {token}"))


async def test_another_keys_signature_under_a_known_name_is_refused(access, provider):
    with pytest.raises(InvalidToken):
        await access.identify(bearing(f"Bearer {provider.token(key=rsa_key('one'))}"))


@pytest.mark.parametrize(
    ("values", "failure"),
    [
        ([], NoToken),
        (["Basic dXNlcjpwYXNz"], NoToken),
        (["Bearer"], BadAuthorization),
        (["Bearer a b"], BadAuthorization),
        (["Bearer ä"], BadAuthorization),
        (["Bearer " + "x" * 8193], BadAuthorization),
        (["Bearer x", "Bearer y"], BadAuthorization),
        (["Bearer x"], InvalidToken),
        (["bearer x.y.z"], InvalidToken),
        (["Bearer a.b.c.d.e"], InvalidToken),
    ],
)
async def test_whatever_stands_in_authorization_has_its_refusal(access, values, failure):
    with pytest.raises(failure):
        await access.identify(bearing(*values))


@given(st.text(alphabet="abcXYZ019-._~+/=", min_size=1, max_size=200))
async def test_no_token_is_a_bug(token):
    access = OidcAccess(Provider(issuer=ISSUER, audience=AUDIENCE), IdentityProvider(keys=[KEY]).fetch)
    with pytest.raises((InvalidToken, BadAuthorization)):
        await access.identify(bearing(f"Bearer {token}"))


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text())), st.binary(max_size=40))
async def test_no_header_of_a_token_is_a_bug(header, claims):
    access = OidcAccess(Provider(issuer=ISSUER, audience=AUDIENCE), IdentityProvider(keys=[KEY]).fetch)
    payload = base64.urlsafe_b64encode(claims).decode().rstrip("=")
    token = f"{encoded({'alg': 'RS256', 'kid': 'one'} | header)}.{payload}.AAAA"
    with pytest.raises((InvalidToken, BadAuthorization)):
        await access.identify(bearing(f"Bearer {token}"))


KEY = rsa_key()


async def test_keys_are_found_by_discovery_and_kept_for_ten_minutes(access, provider, clock):
    for clock.seconds in (0.0, 599.0, 600.0):
        await access.identify(bearing(f"Bearer {provider.token()}"))

    assert provider.fetched == [f"{ISSUER}/.well-known/openid-configuration", f"{ISSUER}/keys"] * 2


async def test_a_new_key_is_fetched_when_a_token_names_it_but_not_at_every_bad_one(access, provider, clock):
    await access.identify(bearing(f"Bearer {provider.token()}"))
    provider.keys = [rsa_key("two")]
    for _ in range(5):
        with pytest.raises(InvalidToken):
            await access.identify(bearing(f"Bearer {provider.token()}"))
    clock.seconds = 30.0

    await access.identify(bearing(f"Bearer {provider.token()}"))

    assert provider.fetched.count(f"{ISSUER}/keys") == 2


async def test_with_the_provider_away_its_keys_are_good_for_an_hour(access, provider, clock):
    await access.identify(bearing(f"Bearer {provider.token()}"))
    provider.away = True
    clock.seconds = 3599.0
    await access.identify(bearing(f"Bearer {provider.token()}"))
    clock.seconds = 3600.0

    with pytest.raises(KeysUnavailable):
        await access.identify(bearing(f"Bearer {provider.token()}"))


async def test_a_provider_that_comes_back_is_asked_again_after_some_seconds(access, provider, clock):
    provider.away = True
    with pytest.raises(KeysUnavailable):
        await access.identify(bearing(f"Bearer {provider.token()}"))
    provider.away, clock.seconds = False, 5.0

    await access.identify(bearing(f"Bearer {provider.token()}"))


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://elsewhere.example.org", "jwks_uri": f"{ISSUER}/keys"},
        {"issuer": ISSUER, "jwks_uri": "http://identity.example.org/keys"},
        {"issuer": ISSUER},
        {},
    ],
)
async def test_a_discovery_document_that_leads_astray_is_not_followed(access, provider, discovery):
    provider.discovery = discovery

    with pytest.raises(KeysUnavailable):
        await access.identify(bearing(f"Bearer {provider.token()}"))


@pytest.mark.parametrize(
    ("claim", "subjects"),
    [
        (["P001", "P002"], {"P001", "P002"}),
        ("P001", {"P001"}),
        ("*", None),
        (["P001", "*"], None),
        (None, frozenset()),
        (7, frozenset()),
        ({"P001": 1}, frozenset()),
        ([1, None], frozenset()),
    ],
)
def test_the_claim_names_subjects_or_nobody(claim, subjects):
    assert subjects_of(claim) == subjects


async def test_anothers_session_is_not_even_there(access, provider):
    caller = await access.identify(bearing(f"Bearer {provider.token()}"))

    await access.check_session(caller, "emg-a", "P001")
    for subject in ("P002", None):
        with pytest.raises(SessionNotFound):
            await access.check_session(caller, "emg-b", subject)


async def test_who_has_no_subject_lists_nothing(access, provider):
    caller = await access.identify(bearing(f"Bearer {provider.token(emg_subjects=None)}"))

    with pytest.raises(NotAllowed):
        await access.check_list(caller)
