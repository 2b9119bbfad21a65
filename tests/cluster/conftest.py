from collections.abc import Generator, Iterator

import pytest

from tests.cluster.control_plane import AUDIT_LOG
from tests.cluster.deployment import NAMESPACE, Deployment, deployed, diagnosis
from tests.cluster.machine import KUBECONFIG, node_lock
from tests.cluster.parts import build_parts
from tests.support.audit import audit_entries, forbidden, of_namespace


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A real node with every program of ours on it."""
    build_parts()
    with node_lock(), deployed(tmp_path_factory.mktemp("s3")) as running:
        yield running
        # The roles are exact: whatever the tests made the programs do, nothing was refused for want of a right.
        assert forbidden(of_namespace(audit_entries(AUDIT_LOG), NAMESPACE)) == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show beside a failed test what the cluster looks like."""
    report = yield
    if report.failed and KUBECONFIG.exists():
        report.sections.append(("the cluster", diagnosis()))
    return report
