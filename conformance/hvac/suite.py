"""Drives a Vault-compatible server with the unmodified hvac client.

Environment: ADDR, CA (PEM file), TOKEN of an initialised server; FRESH_ADDR of one that is not initialised yet (Shamir).
One line per case, then "N passed, N failed".
"""
import os
import sys
import time
import traceback

import hvac
from hvac import exceptions

CASES = []


def case(function):
    CASES.append(function)
    return function


def client(token=None, **options):
    return hvac.Client(url=os.environ["ADDR"], token=token, verify=os.environ["CA"], **options)


ROOT = client(os.environ["TOKEN"])
READER = 'path "conf-kv2/data/team/*" { capabilities = ["read", "list"] }'


def refused(error, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except error:
        return
    raise AssertionError(f"{function.__name__} was not refused with {error.__name__}")


@case
def is_authenticated():
    assert ROOT.is_authenticated()
    assert not client("s.not-a-token").is_authenticated()


@case
def health_and_seal_status():
    health = ROOT.sys.read_health_status(method="GET")
    assert health["initialized"] is True and health["sealed"] is False and health["standby"] is False
    assert ROOT.sys.read_health_status().status_code == 200
    assert ROOT.sys.is_initialized() and not ROOT.sys.is_sealed()
    assert ROOT.sys.read_seal_status()["sealed"] is False
    assert "ha_enabled" in ROOT.sys.read_leader_status()


@case
def key_status_and_rotation():
    before = ROOT.sys.get_encryption_key_status()["data"]["term"]
    ROOT.sys.rotate_encryption_key()
    assert ROOT.sys.get_encryption_key_status()["data"]["term"] == before + 1


@case
def kv2_versions():
    ROOT.sys.enable_secrets_engine("kv", path="conf-kv2", options={"version": "2"})
    kv = ROOT.secrets.kv.v2
    for attempt in range(40):
        try:
            kv.configure(max_versions=5, cas_required=False, mount_point="conf-kv2")
            break
        except exceptions.InvalidRequest:
            time.sleep(0.05)
    assert kv.read_configuration(mount_point="conf-kv2")["data"]["max_versions"] == 5
    first = kv.create_or_update_secret("team/db", secret={"user": "a", "n": 1}, cas=0, mount_point="conf-kv2")
    assert first["data"]["version"] == 1
    refused(exceptions.InvalidRequest, kv.create_or_update_secret, "team/db", secret={"user": "x"}, cas=0, mount_point="conf-kv2")
    second = kv.create_or_update_secret("team/db", secret={"user": "b"}, cas=1, mount_point="conf-kv2")
    assert second["data"]["version"] == 2
    assert kv.read_secret_version("team/db", mount_point="conf-kv2", raise_on_deleted_version=True)["data"]["data"] == {"user": "b"}
    assert kv.read_secret_version("team/db", version=1, mount_point="conf-kv2", raise_on_deleted_version=True)["data"]["data"] == {"user": "a", "n": 1}


@case
def kv2_patch():
    kv = ROOT.secrets.kv.v2
    kv.create_or_update_secret("team/patch", secret={"a": "1", "b": "2"}, mount_point="conf-kv2")
    kv.patch("team/patch", secret={"b": "3"}, mount_point="conf-kv2")
    read = kv.read_secret_version("team/patch", mount_point="conf-kv2", raise_on_deleted_version=True)
    assert read["data"]["data"] == {"a": "1", "b": "3"}
    refused(exceptions.InvalidPath, kv.patch, "team/none", secret={"b": "3"}, mount_point="conf-kv2")


@case
def kv2_delete_undelete_destroy():
    kv = ROOT.secrets.kv.v2
    for value in ("1", "2", "3"):
        kv.create_or_update_secret("team/del", secret={"v": value}, mount_point="conf-kv2")
    kv.delete_latest_version_of_secret("team/del", mount_point="conf-kv2")
    refused(exceptions.InvalidPath, kv.read_secret_version, "team/del", mount_point="conf-kv2", raise_on_deleted_version=True)
    soft = kv.read_secret_version("team/del", mount_point="conf-kv2", raise_on_deleted_version=False)
    assert soft["data"]["data"] is None and soft["data"]["metadata"]["deletion_time"] != ""
    kv.undelete_secret_versions("team/del", [3], mount_point="conf-kv2")
    assert kv.read_secret_version("team/del", mount_point="conf-kv2", raise_on_deleted_version=True)["data"]["data"] == {"v": "3"}
    kv.delete_secret_versions("team/del", [1, 2], mount_point="conf-kv2")
    kv.destroy_secret_versions("team/del", [1], mount_point="conf-kv2")
    versions = kv.read_secret_metadata("team/del", mount_point="conf-kv2")["data"]["versions"]
    assert versions["1"]["destroyed"] is True and versions["2"]["destroyed"] is False
    assert versions["2"]["deletion_time"] != "" and versions["3"]["deletion_time"] == ""


@case
def kv2_metadata_and_list_verb():
    kv = ROOT.secrets.kv.v2
    kv.update_metadata("team/meta", max_versions=3, custom_metadata={"owner": "me"}, mount_point="conf-kv2")
    read = kv.read_secret_metadata("team/meta", mount_point="conf-kv2")["data"]
    assert read["max_versions"] == 3 and read["custom_metadata"] == {"owner": "me"}
    kv.create_or_update_secret("team/deep/er", secret={"a": "b"}, mount_point="conf-kv2")
    names = kv.list_secrets("team", mount_point="conf-kv2")["data"]["keys"]
    assert names == ["db", "deep/", "del", "meta", "patch"], names
    kv.delete_metadata_and_all_versions("team/meta", mount_point="conf-kv2")
    refused(exceptions.InvalidPath, kv.read_secret_metadata, "team/meta", mount_point="conf-kv2")
    refused(exceptions.InvalidPath, kv.list_secrets, "nowhere", mount_point="conf-kv2")


@case
def kv1():
    ROOT.sys.enable_secrets_engine("kv", path="conf-kv1", options={"version": "1"})
    kv = ROOT.secrets.kv.v1
    kv.create_or_update_secret("a/b", secret={"user": "me", "n": 12345678901234567890}, mount_point="conf-kv1")
    read = kv.read_secret("a/b", mount_point="conf-kv1")
    assert read["data"] == {"user": "me", "n": 12345678901234567890} and "lease_duration" in read
    kv.create_or_update_secret("a/b", secret={"user": "you"}, method="PUT", mount_point="conf-kv1")
    assert kv.read_secret("a/b", mount_point="conf-kv1")["data"] == {"user": "you"}
    assert kv.list_secrets("a", mount_point="conf-kv1")["data"]["keys"] == ["b"]
    kv.delete_secret("a/b", mount_point="conf-kv1")
    refused(exceptions.InvalidPath, kv.read_secret, "a/b", mount_point="conf-kv1")


@case
def strange_names():
    kv = ROOT.secrets.kv.v2
    for name in ("with space", "umlaut-ä", "plus+sign", "a.b-c_d", "x" * 200):
        kv.create_or_update_secret(f"odd/{name}", secret={"name": name}, mount_point="conf-kv2")
        read = kv.read_secret_version(f"odd/{name}", mount_point="conf-kv2", raise_on_deleted_version=True)
        assert read["data"]["data"] == {"name": name}
    assert len(kv.list_secrets("odd", mount_point="conf-kv2")["data"]["keys"]) == 5


@case
def policies():
    ROOT.sys.create_or_update_acl_policy("conf-reader", READER)
    assert ROOT.sys.read_acl_policy("conf-reader")["data"]["policy"] == READER
    assert "conf-reader" in ROOT.sys.list_acl_policies()["data"]["keys"]
    ROOT.sys.create_or_update_policy("conf-legacy", {"path": {"conf-kv2/*": {"capabilities": ["list"]}}})
    assert "conf-legacy" in ROOT.sys.list_policies()["data"]["policies"]
    assert "conf-kv2" in ROOT.sys.read_policy("conf-legacy")["data"]["rules"]
    ROOT.sys.delete_policy("conf-legacy")
    refused(exceptions.InvalidPath, ROOT.sys.read_policy, "conf-legacy")
    refused(exceptions.InvalidRequest, ROOT.sys.create_or_update_acl_policy, "conf-bad", 'path "x" { capabilities = ["fly"] }')


@case
def a_policy_binds():
    token = ROOT.auth.token.create(policies=["conf-reader"], ttl="1h")["auth"]
    assert sorted(token["policies"]) == ["conf-reader", "default"] and token["renewable"] is True
    reader = client(token["client_token"])
    assert reader.secrets.kv.v2.read_secret_version("team/db", mount_point="conf-kv2", raise_on_deleted_version=True)["data"]["data"] == {"user": "b"}
    refused(exceptions.Forbidden, reader.secrets.kv.v2.create_or_update_secret, "team/db", secret={}, mount_point="conf-kv2")
    refused(exceptions.Forbidden, reader.secrets.kv.v2.list_secrets, "team", mount_point="conf-kv2")
    refused(exceptions.Forbidden, reader.sys.list_mounted_secrets_engines)
    capabilities = ROOT.sys.get_capabilities(["conf-kv2/data/team/db", "sys/mounts"], token=token["client_token"])
    assert sorted(capabilities["data"]["conf-kv2/data/team/db"]) == ["list", "read"]
    assert capabilities["data"]["sys/mounts"] == ["deny"]
    assert sorted(reader.sys.get_capabilities("conf-kv2/data/team/x")["data"]["capabilities"]) == ["list", "read"]


@case
def token_life():
    made = ROOT.auth.token.create(policies=["default"], ttl="1h", meta={"who": "me"}, display_name="conf", num_uses=0)["auth"]
    holder = client(made["client_token"])
    seen = holder.auth.token.lookup_self()["data"]
    assert seen["display_name"] == "token-conf" and seen["meta"] == {"who": "me"} and 3590 <= seen["ttl"] <= 3600
    assert ROOT.auth.token.lookup(made["client_token"])["data"]["accessor"] == made["accessor"]
    assert ROOT.auth.token.lookup_accessor(made["accessor"])["data"]["id"] == ""
    assert made["accessor"] in ROOT.auth.token.list_accessors()["data"]["keys"]
    assert 1790 <= holder.auth.token.renew_self(increment="30m")["auth"]["lease_duration"] <= 1800
    assert ROOT.auth.token.renew(made["client_token"], increment="1h")["auth"]["client_token"] == made["client_token"]
    ROOT.auth.token.renew_accessor(made["accessor"], increment="1h")
    holder.auth.token.revoke_self()
    refused(exceptions.Forbidden, holder.auth.token.lookup_self)
    refused(exceptions.Forbidden, ROOT.auth.token.lookup, made["client_token"])


@case
def token_uses_and_trees():
    twice = ROOT.auth.token.create(policies=["default"], num_uses=2)["auth"]["client_token"]
    client(twice).auth.token.lookup_self()
    client(twice).auth.token.lookup_self()
    refused(exceptions.Forbidden, client(twice).auth.token.lookup_self)
    parent = ROOT.auth.token.create(policies=["root"])["auth"]
    child = client(parent["client_token"]).auth.token.create(policies=["default"])["auth"]
    orphan = client(parent["client_token"]).auth.token.create_orphan(policies=["default"])["auth"]
    ROOT.auth.token.revoke_accessor(parent["accessor"])
    refused(exceptions.Forbidden, client(child["client_token"]).auth.token.lookup_self)
    assert client(orphan["client_token"]).auth.token.lookup_self()["data"]["orphan"] is True
    parent = ROOT.auth.token.create(policies=["root"])["auth"]["client_token"]
    child = client(parent).auth.token.create(policies=["default"])["auth"]["client_token"]
    ROOT.auth.token.revoke_and_orphan_children(parent)
    assert client(child).auth.token.lookup_self()["data"]["orphan"] is True
    ROOT.auth.token.revoke(child)


@case
def batch_and_periodic_tokens():
    batch = ROOT.auth.token.create(policies=["default"], type="batch", ttl="10m")["auth"]
    assert batch["accessor"] == "" and batch["token_type"] == "batch"
    assert client(batch["client_token"]).auth.token.lookup_self()["data"]["type"] == "batch"
    periodic = ROOT.auth.token.create(policies=["default"], period="5m")["auth"]
    assert periodic["lease_duration"] == 300
    assert client(periodic["client_token"]).auth.token.renew_self()["auth"]["lease_duration"] == 300


@case
def token_roles():
    ROOT.auth.token.create_or_update_role("conf-role", allowed_policies=["default"], orphan=True, token_period="10m")
    assert ROOT.auth.token.read_role("conf-role")["data"]["orphan"] is True
    assert "conf-role" in ROOT.auth.token.list_roles()["data"]["keys"]
    made = ROOT.auth.token.create(role_name="conf-role", policies=["default"])["auth"]
    assert made["orphan"] is True and made["lease_duration"] == 600
    refused(exceptions.InvalidRequest, ROOT.auth.token.create, role_name="conf-role", policies=["conf-reader"])
    ROOT.auth.token.delete_role("conf-role")
    refused(exceptions.InvalidPath, ROOT.auth.token.read_role, "conf-role")


@case
def wrapping():
    wrapped = ROOT.sys.wrap(payload={"a": "b"}, ttl=60)["wrap_info"]
    assert ROOT.sys.unwrap(wrapped["token"])["data"] == {"a": "b"}
    refused(exceptions.InvalidRequest, ROOT.sys.unwrap, wrapped["token"])
    secret = ROOT.read("conf-kv2/data/team/db", wrap_ttl="60s")["wrap_info"]
    assert secret["creation_path"] == "conf-kv2/data/team/db"
    looked = ROOT.write("sys/wrapping/lookup", token=secret["token"])["data"]
    assert looked["creation_path"] == "conf-kv2/data/team/db" and looked["creation_ttl"] == 60
    assert client(secret["token"]).sys.unwrap()["data"]["data"] == {"user": "b"}
    login = ROOT.auth.token.create(policies=["default"], wrap_ttl="60s")["wrap_info"]
    assert login["wrapped_accessor"] != ""
    assert client(ROOT.sys.unwrap(login["token"])["auth"]["client_token"]).is_authenticated()


@case
def mounts():
    ROOT.sys.enable_secrets_engine("kv", path="conf-m", description="d", config={"default_lease_ttl": "1h"}, options={"version": "1"})
    mounted = ROOT.sys.list_mounted_secrets_engines()["data"]
    assert mounted["conf-m/"]["type"] == "kv" and mounted["conf-m/"]["config"]["default_lease_ttl"] == 3600
    assert "cubbyhole/" in mounted and "sys/" in mounted
    ROOT.sys.tune_mount_configuration("conf-m", max_lease_ttl="2h", description="other")
    tuned = ROOT.sys.read_mount_configuration("conf-m")["data"]
    assert tuned["max_lease_ttl"] == 7200 and tuned["description"] == "other"
    ROOT.secrets.kv.v1.create_or_update_secret("x", secret={"a": "b"}, mount_point="conf-m")
    ROOT.sys.move_backend("conf-m", "conf-moved")
    for attempt in range(100):
        if "conf-moved/" in ROOT.sys.list_mounted_secrets_engines()["data"]:
            break
        time.sleep(0.05)
    assert ROOT.secrets.kv.v1.read_secret("x", mount_point="conf-moved")["data"] == {"a": "b"}
    ROOT.sys.disable_secrets_engine("conf-moved")
    refused(exceptions.InvalidPath, ROOT.secrets.kv.v1.read_secret, "x", mount_point="conf-moved")
    refused(exceptions.InvalidRequest, ROOT.sys.enable_secrets_engine, "kv", path="conf-kv1")


@case
def auth_methods_and_audit():
    assert ROOT.sys.list_auth_methods()["data"]["token/"]["type"] == "token"
    assert "main/" in ROOT.sys.list_enabled_audit_devices()["data"]
    assert ROOT.sys.calculate_hash("main", "text")["data"]["hash"].startswith("hmac-sha256:")


@case
def leases():
    refused(exceptions.InvalidRequest, ROOT.sys.read_lease, "nowhere/1")
    token = ROOT.auth.token.create(policies=["default"], ttl="1h")["auth"]["client_token"]
    known = []
    for key in ROOT.sys.list_leases("auth/token/create/")["data"]["keys"]:
        try:
            known.append(ROOT.sys.read_lease(f"auth/token/create/{key}")["data"])
        except exceptions.InvalidRequest:
            pass  # revoked a moment ago; the reference lists it until its queue has seen to it
    assert any(lease["ttl"] > 3500 for lease in known)
    ROOT.sys.revoke_prefix("auth/token/create")
    refused(exceptions.Forbidden, client(token).auth.token.lookup_self)


@case
def cubbyhole():
    ROOT.write("cubbyhole/mine", a="b")
    assert ROOT.read("cubbyhole/mine")["data"] == {"a": "b"}
    assert ROOT.list("cubbyhole")["data"]["keys"] == ["mine"]
    other = client(ROOT.auth.token.create(policies=["default"])["auth"]["client_token"])
    assert other.read("cubbyhole/mine") is None
    ROOT.delete("cubbyhole/mine")


@case
def namespaces():
    ROOT.sys.create_namespace("conf-ns")
    assert "conf-ns/" in ROOT.sys.list_namespaces()["data"]["keys"]
    inside = client(os.environ["TOKEN"], namespace="conf-ns")
    inside.sys.enable_secrets_engine("kv", path="kv", options={"version": "1"})
    inside.secrets.kv.v1.create_or_update_secret("x", secret={"where": "inside"}, mount_point="kv")
    assert ROOT.read("conf-ns/kv/x")["data"] == {"where": "inside"}
    assert "kv/" not in ROOT.sys.list_mounted_secrets_engines()["data"]
    inside.sys.disable_secrets_engine("kv")
    ROOT.sys.delete_namespace("conf-ns")


@case
def rate_limit_quota():
    ROOT.sys.create_or_update_quota("conf-quota", rate=1000.0, path="conf-kv1/")
    assert "conf-quota" in ROOT.sys.list_quotas()["data"]["keys"]
    assert ROOT.sys.read_quota("conf-quota")["data"]["rate"] == 1000
    ROOT.sys.delete_quota("conf-quota")


@case
def shamir_from_the_beginning():
    fresh = hvac.Client(url=os.environ["FRESH_ADDR"], verify=os.environ["CA"])
    assert not fresh.sys.is_initialized()
    made = fresh.sys.initialize(secret_shares=5, secret_threshold=3)
    assert len(made["keys"]) == 5 and fresh.sys.is_sealed()
    assert fresh.sys.submit_unseal_key(made["keys"][0])["progress"] == 1
    assert fresh.sys.submit_unseal_key(reset=True)["progress"] == 0
    fresh.sys.submit_unseal_keys([made["keys_base64"][index] for index in (4, 1, 2)])
    assert not fresh.sys.is_sealed()
    fresh.token = made["root_token"]
    for attempt in range(200):
        if fresh.sys.read_health_status().status_code == 200:
            break
        time.sleep(0.05)
    assert fresh.is_authenticated()
    fresh.sys.enable_secrets_engine("kv", path="kv", options={"version": "1"})
    fresh.secrets.kv.v1.create_or_update_secret("x", secret={"kept": "yes"}, mount_point="kv")
    fresh.sys.seal()
    assert fresh.sys.is_sealed()
    refused(exceptions.VaultDown, fresh.secrets.kv.v1.read_secret, "x", mount_point="kv")
    fresh.sys.submit_unseal_keys(made["keys"][:3])
    for attempt in range(200):
        if fresh.sys.read_health_status().status_code == 200:
            break
        time.sleep(0.05)
    assert fresh.secrets.kv.v1.read_secret("x", mount_point="kv")["data"] == {"kept": "yes"}


def main():
    failed = 0
    for function in CASES:
        try:
            function()
            print(f"  ok     hvac {function.__name__}")
        except Exception:
            failed += 1
            print(f"  FAILED hvac {function.__name__}")
            print("         " + traceback.format_exc().strip().replace("\n", "\n         "))
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
