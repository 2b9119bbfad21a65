"""What the chart makes, whole and piece by piece."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from emg_api.senders import build_senders, parse_senders
from emg_operator.wanted import Wanted
from emg_operator.worker_pod import WorkerPod
from emg_session.recordings import Buckets
from tests.cluster.machine import BIN, ROOT, run
from tests.support.charts import (
    CHART,
    EXISTING,
    GOLDEN,
    TRYOUT,
    Manifest,
    merged,
    one,
    pod_specs,
    refusal,
    render,
    rendered_text,
    variables,
)
from tests.support.senders import GOOGLE

READERS = [{"kind": "Group", "name": "clinicians"}]
EVERYTHING: dict[str, Any] = yaml.safe_load((GOLDEN / "everything.values.yaml").read_text())
CASES = {"existing-secrets": EXISTING, "tryout": TRYOUT, "everything": EVERYTHING}
PROGRAMS = ("operator", "receiver", "signals")
# What the programs tell each other, or a machine without a cluster: no installation sets it.
_OUR_OWN = {"EMG_SESSION", "EMG_SESSION_SPEC", "EMG_TERMINATION_LOG"}


def without_definition(manifests: list[Manifest]) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] != "CustomResourceDefinition"]


@pytest.mark.parametrize("case", CASES)
def test_the_manifests_are_those_written_down(case: str) -> None:
    golden = [*yaml.safe_load_all((GOLDEN / f"{case}.yaml").read_text())]
    assert without_definition(render(CASES[case])) == golden, "python -m tests.chart.test_manifests writes them anew"


@pytest.mark.parametrize("case", CASES)
def test_the_linter_has_nothing_to_say(case: str, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump(CASES[case]))
    assert "1 chart(s) linted, 0 chart(s) failed" in run(BIN / "helm", "lint", "--strict", CHART, "--values", values)


def test_the_definition_is_the_file_kept_on_uninstall() -> None:
    definition = one(render(EXISTING), "CustomResourceDefinition", "emgsessions.emg.ghostly")
    expected = yaml.safe_load((ROOT / "charts/emg-operator/files/emgsessions.crd.yaml").read_text())
    assert definition["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
    assert definition == expected


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({}, False),
        ({"rbac": {"create": False}}, True),
        ({"rbac": {"create": False}, "signals": {"sessionStandings": False}}, False),
    ],
)
def test_the_notes_name_the_right_that_nobody_made(values: Manifest, named: bool) -> None:
    command = (BIN / "helm", "install", "emg", CHART, "--dry-run=client", "--namespace", "emg", "--values=-")
    notes = run(*command, stdin=json.dumps(merged(EXISTING, values))).partition("NOTES:")[2]
    assert ("the account emg-signals may get emgsessions.emg.ghostly in emg" in notes) == named


def test_every_variable_of_the_programs_is_a_value() -> None:
    source = "".join(path.read_text() for root in ("api", "operator") for path in (ROOT / root).rglob("*.py"))
    read = set(re.findall(r'"(EMG_[A-Z_]+)"', source)) - _OUR_OWN - {"EMG_TRYOUT_PASSWORD", "EMG_CHANNEL"}
    secrets_of_others = {"EMG_DATABASE_URL", "EMG_WEBHOOK_SECRETS"}
    text = rendered_text(EVERYTHING) + rendered_text(TRYOUT)
    assert {name for name in read | secrets_of_others if name not in text} == set()


@pytest.mark.parametrize("case", CASES)
def test_every_pod_is_restricted_and_has_no_token_it_does_not_need(case: str) -> None:
    for maker, spec in pod_specs(render(CASES[case])).items():
        assert spec["securityContext"]["runAsNonRoot"] is True, maker
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"requests", "limits"} <= container["resources"].keys()
        has_token = spec.get("automountServiceAccountToken", True)
        assert has_token == maker.endswith(PROGRAMS), maker


def test_no_secret_of_the_values_reaches_a_manifest_other_than_a_secret() -> None:
    telling = {"database": {"url": "postgresql://emg:telltale@db/emg"}, "senders": {"keys": {"supabase": ["telltale"]}}}
    keys = {"storage": {"accessKeyId": "telltale", "secretAccessKey": "telltale"}}
    manifests = render(merged({"buckets": EXISTING["buckets"]}, telling, keys))
    assert {m["kind"] for m in manifests if "telltale" in yaml.safe_dump(m)} == {"Secret"}


def test_with_secrets_of_ones_own_none_is_made_but_the_workers_which_holds_no_secret() -> None:
    made = [m for m in render(EXISTING) if m["kind"] == "Secret"]
    assert [(m["metadata"]["name"], list(m["stringData"])) for m in made] == [("emg-worker", ["EMG_BUCKETS"])]


def test_each_program_takes_the_database_secret_of_its_own() -> None:
    own = {part: f"{part}-database" for part in (*PROGRAMS, "migration", "worker")}
    manifests = render(merged(EXISTING, {"database": {"secrets": own}}))
    for part in PROGRAMS:
        (container,) = one(manifests, "Deployment", f"emg-{part}")["spec"]["template"]["spec"]["containers"]
        url = next(each for each in container["env"] if each["name"] == "EMG_DATABASE_URL")
        assert url["valueFrom"]["secretKeyRef"] == {"name": own[part], "key": "EMG_DATABASE_URL"}
    operator = one(manifests, "Deployment", "emg-operator")["spec"]["template"]["spec"]
    assert variables(operator)["EMG_WORKER_SECRET"] == "emg-worker,worker-database,my-storage"


def test_with_a_database_secret_for_each_program_none_is_asked_for() -> None:
    own = {part: f"{part}-database" for part in (*PROGRAMS, "migration", "worker")}
    manifests = render(merged(EXISTING, {"database": {"existingSecret": "", "secrets": own}}))
    assert [m["metadata"]["name"] for m in manifests if m["kind"] == "Secret"] == ["emg-worker"]


def test_a_program_without_a_database_secret_is_told_of() -> None:
    own = {part: f"{part}-database" for part in (*PROGRAMS, "worker")}
    lacking = {"database": {"existingSecret": "", "secrets": own}}
    assert "database.existingSecret" in refusal(merged(EXISTING, lacking))
    assert refusal(merged(EXISTING, lacking, {"migration": {"enabled": False}})) == ""


@pytest.mark.parametrize("values", [TRYOUT | {"auth": {"readers": READERS}}, EVERYTHING], ids=["kubernetes", "oidc"])
def test_no_two_releases_of_a_cluster_share_what_has_no_namespace(values: dict[str, Any]) -> None:
    """Of `a-b` in `c` and `b` in `c-a`, or `a` in `b-c` and `c-a` in `b`, namespace and name are joined alike."""
    places = [("a", "b-c"), ("a-b", "c"), ("c-a", "b"), ("b", "c-a")]
    wide = merged(values, {"clusterWide": True, "definition": {"install": False}})
    names = [
        f"{manifest['kind']}/{manifest['metadata']['name']}"
        for release, namespace in places
        for manifest in render(wide, release=release, namespace=namespace)
        if manifest["kind"].startswith("Cluster")
    ]
    assert names
    assert len(names) == len(set(names))


def test_workers_have_an_account_of_their_own_where_that_is_said_and_still_no_token() -> None:
    annotations = {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/emg"}
    manifests = render(merged(EXISTING, {"serviceAccounts": {"worker": True, "annotations": annotations}}))
    account = one(manifests, "ServiceAccount", "emg-worker")
    assert account["automountServiceAccountToken"] is False
    assert account["metadata"]["annotations"] == annotations
    told = variables(one(manifests, "Deployment", "emg-operator")["spec"]["template"]["spec"])["EMG_WORKER_POD"]
    assert WorkerPod.from_json(told).spec() == {"serviceAccountName": "emg-worker"}


def test_a_sender_without_a_key_leaves_a_door_to_try_the_installation_by() -> None:
    google = {
        "gcs": {"audience": "https://hooks.example/webhooks/gcs", "emails": ["push@example.iam.gserviceaccount.com"]}
    }
    manifests = render(merged(EXISTING, {"senders": {"existingSecret": "", "options": google}}))
    keys = one(manifests, "Secret", "emg-senders")["stringData"]["EMG_WEBHOOK_SECRETS"]
    options = variables(one(manifests, "Deployment", "emg-receiver")["spec"]["template"]["spec"])["EMG_SENDERS"]
    settings = parse_senders(keys, options, Buckets({"recordings": "s3://recordings"}))
    assert [sender.name for sender in settings] == ["gcs", "standard"]
    assert set(build_senders(settings, GOOGLE.fetch)) == {"gcs", "standard"}


def test_every_release_has_a_migration_of_its_own() -> None:
    names = [manifest["metadata"]["name"] for manifest in render(EXISTING) if manifest["kind"] == "Job"]
    assert names == ["emg-migration-1"]  # the release's revision


def test_the_sweep_looks_also_for_what_senders_without_options_may_tell_of() -> None:
    senders = {"keys": {"supabase": ["a-long-key"]}, "options": {"s3": {"buckets": ["other"]}}}
    manifests = render(merged(TRYOUT, {"senders": senders}))
    told = variables(one(manifests, "Deployment", "emg-operator")["spec"]["template"]["spec"])["EMG_SENDERS"]
    assert Wanted.from_json(told).admits("recordings", "P001/a.c3d")


def test_a_job_never_changes_under_its_name() -> None:
    jobs = [m for values in (EXISTING, TRYOUT) for m in render(values) if m["kind"] == "Job"]
    for job in jobs:
        assert "app.kubernetes.io/version" not in job["spec"]["template"]["metadata"]["labels"]


def test_nothing_but_tests_is_a_hook() -> None:
    hooks = [m["metadata"].get("annotations", {}).get("helm.sh/hook") for m in render(EVERYTHING)]
    assert {hook for hook in hooks if hook} == {"test"}


def test_what_a_scaler_scales_has_no_number_of_replicas() -> None:
    assert "replicas" not in one(render(EVERYTHING), "Deployment", "emg-signals")["spec"]


def test_a_dollar_in_a_value_is_not_for_the_kubelet() -> None:
    operator = one(render(merged(EXISTING, {"env": {"A": "$(PATH)"}})), "Deployment", "emg-operator")
    assert variables(operator["spec"]["template"]["spec"])["A"] == "$$(PATH)"


def main() -> None:
    """Write the golden manifests anew, to be read before they are committed."""
    for case, values in CASES.items():
        manifests = without_definition(render(values))
        (GOLDEN / f"{case}.yaml").write_text(yaml.safe_dump_all(manifests, sort_keys=False, width=120))


if __name__ == "__main__":
    main()
