"""EMG_AUTH=kubernetes with a real API server: its word on tokens and rights, asked as the signals API's account."""

from collections.abc import AsyncIterator

import pytest
from kubernetes.aio import client, config
from starlette.requests import Request

from emg_api.access.callers import pseudonym
from emg_api.access.kubernetes import ClusterReviews, KubernetesAccess
from emg_api.metrics import Metrics
from emg_api.refusals import InvalidToken, NotAllowed
from emg_api.standings import Standings
from emg_session.errors import ClusterUnavailable
from emg_session.sessions import KubernetesSessions
from tests.apiserver.conftest import Site
from tests.apiserver.test_rights import granted
from tests.support.audit import forbidden, used

AUDIENCE = "emg-signals"
VIEWER = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "viewer"},
    "rules": [
        {"apiGroups": ["emg.ghostly"], "resources": ["emgsessions"], "verbs": ["get"], "resourceNames": ["emg-a"]}
    ],
}


@pytest.fixture
async def signals_api(site: Site) -> AsyncIterator[client.ApiClient]:
    """Kubernetes as the signals API's account sees it."""
    configuration = client.Configuration()
    account = str(site.api.account(site.namespace, "emg-signals"))
    await config.load_kube_config(config_file=account, client_configuration=configuration)
    async with client.ApiClient(configuration) as api:
        yield api


@pytest.fixture
def access(site: Site, signals_api: client.ApiClient) -> KubernetesAccess:
    return KubernetesAccess(ClusterReviews(signals_api, audience=AUDIENCE, namespace=site.namespace), Metrics())


@pytest.fixture
def access_everywhere(signals_api: client.ApiClient) -> KubernetesAccess:
    """As EMG_CLUSTER_WIDE=1 makes it."""
    return KubernetesAccess(ClusterReviews(signals_api, audience=AUDIENCE, namespace=""), Metrics())


@pytest.fixture
def viewer(site: Site) -> str:
    """The name of an account that may get one session, `emg-a`."""
    in_namespace = ("--namespace", site.namespace)
    site.api.kubectl("create", "serviceaccount", "viewer", *in_namespace)
    site.api.apply(VIEWER | {"metadata": {"name": "viewer", "namespace": site.namespace}})
    subject = f"--serviceaccount={site.namespace}:viewer"
    site.api.kubectl("create", "rolebinding", "viewer", "--role=viewer", subject, *in_namespace)
    return f"system:serviceaccount:{site.namespace}:viewer"


def bearing(token: str) -> Request:
    return Request({"type": "http", "headers": [(b"authorization", f"Bearer {token}".encode())]})


def token_of(site: Site, *options: str) -> str:
    return site.api.kubectl("create", "token", "viewer", "--namespace", site.namespace, *options).strip()


async def test_who_may_get_a_session_may_see_it(site: Site, access: KubernetesAccess, viewer: str) -> None:
    caller = await access.identify(bearing(token_of(site, f"--audience={AUDIENCE}")))

    await access.check_session(caller, "emg-a", None)
    with pytest.raises(NotAllowed):
        await access.check_session(caller, "emg-b", None)
    with pytest.raises(NotAllowed):
        await access.check_list(caller)
    assert caller.pseudonym == pseudonym("kubernetes", viewer)


async def test_beside_a_cluster_wide_operator_a_right_in_one_namespace_opens_nothing(
    site: Site, access_everywhere: KubernetesAccess, viewer: str
) -> None:
    async def check() -> None:
        caller = await access_everywhere.identify(bearing(token_of(site, f"--audience={AUDIENCE}")))
        await access_everywhere.check_session(caller, "emg-a", None)

    with pytest.raises(NotAllowed):
        await check()
    name = f"viewer-of-{site.namespace}"
    site.api.apply(VIEWER | {"kind": "ClusterRole", "metadata": {"name": name}})
    site.api.kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", f"--user={viewer}")
    await check()


@pytest.mark.usefixtures("viewer")
async def test_a_token_for_the_api_server_is_not_for_us(site: Site, access: KubernetesAccess) -> None:
    for token in (token_of(site), token_of(site, "--audience=another"), "garbage", "a.b.c"):
        with pytest.raises(InvalidToken):
            await access.identify(bearing(token))


@pytest.mark.usefixtures("viewer")
async def test_the_signals_api_uses_every_right_it_has_and_is_refused_nothing(
    site: Site, access: KubernetesAccess, signals_api: client.ApiClient
) -> None:
    caller = await access.identify(bearing(token_of(site, f"--audience={AUDIENCE}")))
    await access.check_session(caller, "emg-a", None)
    sessions = KubernetesSessions(client.CustomObjectsApi(signals_api), site.namespace)
    assert await Standings(sessions=sessions).of(["emg-a"]) == {}

    entries = site.api.audited(site.namespace, "emg-signals")
    assert forbidden(entries) == []
    assert used(entries) == granted("signals")


async def test_without_the_right_to_ask_nobody_is_let_in(site: Site) -> None:
    configuration = client.Configuration()
    account = str(site.api.account(site.namespace, "emg-receiver"))
    await config.load_kube_config(config_file=account, client_configuration=configuration)
    async with client.ApiClient(configuration) as api:
        access = KubernetesAccess(ClusterReviews(api, audience=AUDIENCE, namespace=site.namespace), Metrics())
        with pytest.raises(ClusterUnavailable):
            await access.identify(bearing("any"))
