"""Drives the Google Secret Manager API with the unmodified client library for Python, by gRPC and by REST.

Environment: ENDPOINT (host:port), KEY_FILE (service account), FEDERATION_FILE (external account), PROJECT, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH,
REQUESTS_CA_BUNDLE, ADDR and TOKEN of the same server's own API. One line per case, then "N passed, N failed".
"""
import json
import os
import sys
import time
import traceback
from datetime import datetime, timedelta, timezone

import google.auth
import google_crc32c
import requests
from google.api_core import exceptions
from google.auth.transport.requests import Request
from google.cloud import secretmanager_v1 as sm
from google.iam.v1 import policy_pb2
from google.oauth2 import service_account
from google.protobuf import field_mask_pb2

CASES = []
PARENT = f"projects/{os.environ['PROJECT']}"
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


def case(function):
    CASES.append(function)
    return function


def client(transport, credentials=None):
    credentials = credentials or service_account.Credentials.from_service_account_file(os.environ["KEY_FILE"])
    return sm.SecretManagerServiceClient(transport=transport, credentials=credentials,
                                         client_options={"api_endpoint": os.environ["ENDPOINT"]})


CLIENTS = {transport: client(transport) for transport in ["grpc", "rest"]}


def both(function):
    """One case for each transport."""
    for transport, of in CLIENTS.items():
        def run(of=of, prefix=f"py-{transport}"):
            function(of, prefix)
        run.__name__ = f"{function.__name__} by {transport}"
        CASES.append(run)
    return function


def refused(status, function, *args, **kwargs):
    """By REST the library tells errors by their HTTP status alone; the body says the rest."""
    try:
        function(*args, **kwargs)
    except exceptions.GoogleAPICallError as error:
        by_grpc = error.grpc_status_code
        actual = by_grpc.name if by_grpc else error.response.json()["error"]["status"]
        assert actual == status, f"{actual}: {error.message}"
        return error
    raise AssertionError(f"was not refused with {status}")


def make(of, name, **secret):
    body = {"replication": {"automatic": {}}, **secret}
    return of.create_secret(request={"parent": PARENT, "secret_id": name, "secret": body})


def add(of, name, data):
    return of.add_secret_version(request={"parent": f"{PARENT}/secrets/{name}", "payload": {
        "data": data, "data_crc32c": google_crc32c.value(data)}})


def access(of, name, version="latest"):
    answer = of.access_secret_version(name=f"{PARENT}/secrets/{name}/versions/{version}")
    assert answer.payload.data_crc32c == google_crc32c.value(answer.payload.data)
    return answer.payload.data


@both
def lifecycle(of, prefix):
    name = f"{prefix}-life"
    made = make(of, name, labels={"a": "b"}, annotations={"Note": "free text ü"}, ttl=timedelta(hours=1))
    assert made.name == f"{PARENT}/secrets/{name}" and made.labels == {"a": "b"}
    assert made.annotations == {"Note": "free text ü"} and "automatic" in made.replication
    assert abs((made.expire_time - made.create_time).total_seconds() - 3600) < 1
    refused("ALREADY_EXISTS", make, of, name)
    refused("NOT_FOUND", access, of, name)
    first = add(of, name, b"one")
    assert first.name.endswith("/versions/1") and first.state == sm.SecretVersion.State.ENABLED
    assert first.client_specified_payload_checksum
    add(of, name, b"two")
    assert access(of, name) == b"two" and access(of, name, 1) == b"one"
    found = of.get_secret(name=made.name)
    assert found.create_time == made.create_time and found.labels == made.labels
    of.delete_secret(name=made.name)
    refused("NOT_FOUND", of.get_secret, name=made.name)
    refused("NOT_FOUND", of.delete_secret, name=made.name)


@both
def states(of, prefix):
    name = f"{prefix}-states"
    make(of, name)
    version = add(of, name, b"v").name
    assert of.disable_secret_version(name=version).state == sm.SecretVersion.State.DISABLED
    error = refused("FAILED_PRECONDITION", access, of, name)
    assert "DISABLED" in error.message
    assert of.enable_secret_version(name=version).state == sm.SecretVersion.State.ENABLED
    assert access(of, name) == b"v"
    destroyed = of.destroy_secret_version(name=version)
    assert destroyed.state == sm.SecretVersion.State.DESTROYED and destroyed.destroy_time
    refused("FAILED_PRECONDITION", access, of, name)
    refused("FAILED_PRECONDITION", of.enable_secret_version, name=version)
    assert of.get_secret_version(name=version).state == sm.SecretVersion.State.DESTROYED


@both
def delayed_destruction(of, prefix):
    name = f"{prefix}-delayed"
    assert make(of, name, version_destroy_ttl=timedelta(days=2)).version_destroy_ttl == timedelta(days=2)
    version = add(of, name, b"v").name
    scheduled = of.destroy_secret_version(name=version)
    assert scheduled.state == sm.SecretVersion.State.DISABLED
    assert timedelta(days=1) < scheduled.scheduled_destroy_time - datetime.now(timezone.utc) < timedelta(days=3)
    assert not of.enable_secret_version(name=version).scheduled_destroy_time
    assert access(of, name) == b"v"


@both
def masked_updates(of, prefix):
    name = f"{prefix}-masked"
    made = make(of, name, labels={"a": "1"}, annotations={"k": "v"})
    add(of, name, b"one")
    add(of, name, b"two")

    def update(paths, **fields):
        return of.update_secret(request={"secret": {"name": made.name, **fields},
                                         "update_mask": field_mask_pb2.FieldMask(paths=paths)})

    assert update(["labels"], labels={"b": "2"}).labels == {"b": "2"}
    assert update(["version_aliases"], version_aliases={"live": 1}).version_aliases == {"live": 1}
    assert access(of, name, "live") == b"one" and access(of, name) == b"two"
    assert update(["annotations"]).annotations == {}
    changed = update(["expire_time"], expire_time=datetime.now(timezone.utc) + timedelta(hours=5))
    assert changed.expire_time and changed.labels == {"b": "2"} and changed.version_aliases == {"live": 1}
    refused("INVALID_ARGUMENT", update, ["replication"])
    refused("INVALID_ARGUMENT", update, ["version_aliases"], version_aliases={"live": 9})
    refused("FAILED_PRECONDITION", update, ["labels"], labels={}, etag='"stale"')
    assert update(["labels"], labels={}, etag=changed.etag).labels == {}


@both
def etags_of_versions(of, prefix):
    name = f"{prefix}-etag"
    make(of, name)
    version = add(of, name, b"v")
    refused("FAILED_PRECONDITION", of.disable_secret_version, request={"name": version.name, "etag": '"x"'})
    disabled = of.disable_secret_version(request={"name": version.name, "etag": version.etag})
    assert disabled.etag != version.etag


@both
def lists(of, prefix):
    names = [f"{prefix}-list-{number:02}" for number in range(12)]
    for number, name in enumerate(names):
        make(of, name, labels={"parity": "odd" if number % 2 else "even"})
    found = [one.name.split("/")[-1] for one in of.list_secrets(request={"parent": PARENT, "page_size": 5})]
    assert [name for name in found if name in names] == names and len(set(found)) == len(found)
    request = {"parent": PARENT, "filter": f"name:{prefix}-list AND labels.parity=odd"}
    assert sorted(one.name.split("/")[-1] for one in of.list_secrets(request=request)) == names[1::2]
    refused("INVALID_ARGUMENT", of.list_secrets, request={"parent": PARENT, "filter": "("})
    for value in [b"1", b"2", b"3"]:
        add(of, names[0], value)
    of.disable_secret_version(name=f"{PARENT}/secrets/{names[0]}/versions/2")
    parent = f"{PARENT}/secrets/{names[0]}"
    versions = [one.name.split("/")[-1] for one in of.list_secret_versions(request={"parent": parent, "page_size": 2})]
    assert versions == ["3", "2", "1"]
    enabled = of.list_secret_versions(request={"parent": parent, "filter": "state:ENABLED"})
    assert [one.name.split("/")[-1] for one in enabled] == ["3", "1"]


@both
def values(of, prefix):
    name = f"{prefix}-values"
    make(of, name)
    for value in ["päß ✓ 🔑".encode(), bytes(range(256)), os.urandom(64 * 1024), b"\n\r\t \x00"]:
        add(of, name, value)
        assert access(of, name) == value
    refused("INVALID_ARGUMENT", add, of, name, b"x" * (64 * 1024 + 1))
    refused("INVALID_ARGUMENT", of.add_secret_version, request={
        "parent": f"{PARENT}/secrets/{name}", "payload": {"data": b"v", "data_crc32c": 1}})


@both
def honest_edges(of, prefix):
    refused("INVALID_ARGUMENT", make, of, f"{prefix}-topic", topics=[{"name": "projects/p/topics/t"}])
    refused("INVALID_ARGUMENT", make, of, "no dots.allowed")
    refused("NOT_FOUND", of.get_secret, name="projects/elsewhere/secrets/x")


@both
def topics_and_rotation(of, prefix):
    topic = {"name": f"{PARENT}/topics/changes"}
    due = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=2)
    rotation = {"next_rotation_time": due, "rotation_period": timedelta(days=1)}
    made = make(of, f"{prefix}-rotated", topics=[topic], rotation=rotation)
    assert [one.name for one in made.topics] == [topic["name"]]
    found = of.get_secret(name=made.name)
    assert found.rotation.next_rotation_time == due and found.rotation.rotation_period == timedelta(days=1)
    refused("INVALID_ARGUMENT", of.update_secret, request={"secret": {"name": made.name}, "update_mask": {"paths": ["topics"]}})
    changed = of.update_secret(request={"secret": {"name": made.name}, "update_mask": {"paths": ["topics", "rotation"]}})
    assert not changed.topics and not changed.rotation.rotation_period


@both
def iam_policies(of, prefix):
    resource = make(of, f"{prefix}-iam").name
    member = f"serviceAccount:reader@{os.environ['PROJECT']}.iam.strongroom"
    before = of.get_iam_policy(request={"resource": resource})
    assert not before.bindings and before.etag
    binding = {"role": "roles/secretmanager.secretAccessor", "members": [member]}
    after = of.set_iam_policy(request={"resource": resource, "policy": {"bindings": [binding], "etag": before.etag}})
    assert [(one.role, list(one.members)) for one in after.bindings] == [(binding["role"], [member])]
    refused("ABORTED", of.set_iam_policy, request={"resource": resource, "policy": {"etag": before.etag}})
    public = {"role": binding["role"], "members": ["allUsers"]}
    refused("INVALID_ARGUMENT", of.set_iam_policy, request={"resource": resource, "policy": {"bindings": [public]}})
    permissions = ["secretmanager.versions.access", "secretmanager.secrets.delete"]
    assert list(of.test_iam_permissions(request={"resource": resource, "permissions": permissions}).permissions) == permissions
    assert not of.set_iam_policy(request={"resource": resource, "policy": {}}).bindings


@case
def token_uri_grant():
    credentials = service_account.Credentials.from_service_account_file(os.environ["KEY_FILE"], scopes=SCOPES)
    credentials.refresh(Request())
    assert credentials.token and not credentials.token.startswith("eyJ")
    make(client("rest", credentials), "py-grant")


@case
def workload_identity_federation():
    credentials, _ = google.auth.load_credentials_from_file(os.environ["FEDERATION_FILE"], scopes=SCOPES)
    of = client("grpc", credentials)
    assert of.get_secret(name=f"{PARENT}/secrets/py-grant").name


@case
def strangers():
    key = json.load(open(os.environ["KEY_FILE"]))
    key["private_key_id"] = "0" * 40
    credentials = service_account.Credentials.from_service_account_info(key)
    for transport in ["grpc", "rest"]:
        refused("UNAUTHENTICATED", client(transport, credentials).get_secret, name=f"{PARENT}/secrets/py-grant")


@case
def one_secret_with_the_vault_api():
    of = CLIENTS["grpc"]
    headers = {"X-Vault-Token": os.environ["TOKEN"]}
    address = f"{os.environ['ADDR']}/v1/secret/data/py-shared"
    requests.post(address, json={"data": {"user": "u"}}, headers=headers).raise_for_status()
    assert access(of, "py-shared") == b'{"user":"u"}'
    add(of, "py-shared", b"plain")
    assert requests.get(address, headers=headers).json()["data"]["data"] == {"value": "plain"}


def main():
    failed = 0
    for function in CASES:
        try:
            function()
            print(f"  ok     google-python {function.__name__}")
        except Exception:
            failed += 1
            print(f"  FAILED google-python {function.__name__}")
            print("         " + traceback.format_exc().strip().replace("\n", "\n         "))
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
