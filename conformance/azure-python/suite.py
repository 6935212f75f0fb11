"""Drives the Azure Key Vault API with the unmodified SDK for Python, told by environment variables alone whom to ask.

Environment: VAULT_URL, AZURE_AUTHORITY_HOST, AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, REQUESTS_CA_BUNDLE, HTTPS_PROXY,
ADDR and TOKEN of the same server's own API. One line per case, then "N passed, N failed".
"""
import base64
import datetime
import hashlib
import os
import sys
import traceback

import requests
from azure.core.exceptions import (ClientAuthenticationError, HttpResponseError, ResourceExistsError,
                                   ResourceNotFoundError)
from azure.identity import (DefaultAzureCredential, EnvironmentCredential, ManagedIdentityCredential,
                            WorkloadIdentityCredential)
from azure.keyvault.keys import KeyClient, KeyOperation, KeyRotationLifetimeAction, KeyRotationPolicy, KeyRotationPolicyAction, KeyType
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from azure.keyvault.secrets import SecretClient

CASES = []
VAULT_URL = os.environ["VAULT_URL"]
AUTHORITY = os.environ["AZURE_AUTHORITY_HOST"]
UTC = datetime.timezone.utc


def case(function):
    CASES.append(function)
    return function


def client(credential=None, **options):
    return SecretClient(VAULT_URL, credential or DefaultAzureCredential(), **options)


SECRETS = client()
KEYS = KeyClient(VAULT_URL, DefaultAzureCredential())


def refused(error, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except error as raised:
        return raised
    raise AssertionError(f"was not refused with {error.__name__}")


def vault(method, path, **options):
    """The same server by its Vault API."""
    answer = requests.request(method, f"{os.environ['ADDR']}/v1/{path}", headers={"X-Vault-Token": os.environ["TOKEN"]},
                              proxies={"https": ""}, **options)
    answer.raise_for_status()
    return answer.json() if answer.content else None


@case
def default_credential_by_environment_alone():
    SECRETS.set_secret("by-default", "v")
    assert SECRETS.get_secret("by-default").value == "v"


@case
def client_secret_by_environment():
    assert client(EnvironmentCredential()).get_secret("by-default").value == "v"


@case
def wrong_client_secret():
    kept = os.environ["AZURE_CLIENT_SECRET"]
    os.environ["AZURE_CLIENT_SECRET"] = "wrong"
    try:
        refused(ClientAuthenticationError, client(EnvironmentCredential()).get_secret, "by-default")
    finally:
        os.environ["AZURE_CLIENT_SECRET"] = kept


@case
def managed_identity():
    os.environ["IDENTITY_ENDPOINT"] = f"{AUTHORITY}/msi/token"
    os.environ["IDENTITY_HEADER"] = os.environ["AZURE_CLIENT_SECRET"]
    try:
        assert client(ManagedIdentityCredential()).get_secret("by-default").value == "v"
        os.environ["IDENTITY_HEADER"] = "wrong"
        refused(ClientAuthenticationError, client(ManagedIdentityCredential()).get_secret, "by-default")
    finally:
        del os.environ["IDENTITY_ENDPOINT"], os.environ["IDENTITY_HEADER"]


@case
def workload_identity():
    credential = WorkloadIdentityCredential(client_id="app", token_file_path=os.environ["FEDERATED_TOKEN_FILE"])
    assert client(credential).get_secret("by-default").value == "v"
    wrong = WorkloadIdentityCredential(client_id="other", token_file_path=os.environ["FEDERATED_TOKEN_FILE"])
    refused(ClientAuthenticationError, client(wrong).get_secret, "by-default")


@case
def set_get_and_attributes():
    not_before = datetime.datetime(2025, 1, 1, tzinfo=UTC)
    expires = datetime.datetime(2035, 1, 1, tzinfo=UTC)
    made = SECRETS.set_secret("attributes", "päß wörd ✓ 🔑", content_type="text/plain", tags={"a": "b", "ü": "ö"},
                              not_before=not_before, expires_on=expires, enabled=True)
    assert made.value == "päß wörd ✓ 🔑" and made.properties.tags == {"a": "b", "ü": "ö"}
    found = SECRETS.get_secret("attributes", made.properties.version)
    assert found.value == made.value and found.id == made.id
    properties = found.properties
    assert properties.content_type == "text/plain" and properties.enabled
    assert properties.not_before == not_before and properties.expires_on == expires
    assert properties.recovery_level == "Recoverable+Purgeable" and properties.recoverable_days == 90
    assert abs((properties.created_on - datetime.datetime.now(UTC)).total_seconds()) < 600
    assert properties.vault_url == VAULT_URL and len(properties.version) == 32


@case
def update_properties():
    made = SECRETS.set_secret("updated", "v", tags={"a": "1"})
    changed = SECRETS.update_secret_properties("updated", enabled=False, content_type="x", tags={"b": "2"})
    assert changed.enabled is False and changed.content_type == "x" and changed.tags == {"b": "2"}
    error = refused(HttpResponseError, SECRETS.get_secret, "updated")
    assert error.status_code == 403 and error.error.code == "Forbidden"
    assert error.error.innererror["code"] == "SecretDisabled"
    SECRETS.update_secret_properties("updated", made.properties.version, enabled=True)
    assert SECRETS.get_secret("updated").value == "v"


@case
def versions():
    ids = [SECRETS.set_secret("versioned", str(number)).properties.version for number in range(4)]
    listed = list(SECRETS.list_properties_of_secret_versions("versioned", max_page_size=3))
    assert sorted(one.version for one in listed) == sorted(ids)
    assert SECRETS.get_secret("versioned", ids[1]).value == "1" and SECRETS.get_secret("versioned").value == "3"
    assert refused(ResourceNotFoundError, SECRETS.get_secret, "versioned", "0" * 32).error.code == "SecretNotFound"


@case
def not_found():
    error = refused(ResourceNotFoundError, SECRETS.get_secret, "nothing-here")
    assert error.status_code == 404 and error.error.code == "SecretNotFound"
    refused(ResourceNotFoundError, SECRETS.begin_delete_secret, "nothing-here")
    refused(ResourceNotFoundError, SECRETS.get_deleted_secret, "nothing-here")


@case
def pages():
    names = [f"paged-{number:02}" for number in range(30)]
    for name in names:
        SECRETS.set_secret(name, "v")
    pages = [list(page) for page in SECRETS.list_properties_of_secrets(max_page_size=7).by_page()]
    assert all(len(page) <= 7 for page in pages)
    found = [one.name for page in pages for one in page]
    assert [name for name in found if name.startswith("paged-")] == names and len(set(found)) == len(found)


@case
def delete_recover_purge():
    SECRETS.set_secret("deleted", "v", tags={"a": "b"})
    deleted = SECRETS.begin_delete_secret("deleted").result()
    assert deleted.recovery_id.endswith("/deletedsecrets/deleted")
    assert (deleted.scheduled_purge_date - deleted.deleted_date).days == 90
    refused(ResourceNotFoundError, SECRETS.get_secret, "deleted")
    assert refused(ResourceExistsError, SECRETS.set_secret, "deleted", "x").error.code == "Conflict"
    assert SECRETS.get_deleted_secret("deleted").properties.tags == {"a": "b"}
    assert "deleted" in [one.name for one in SECRETS.list_deleted_secrets()]
    recovering = SECRETS.begin_recover_deleted_secret("deleted")
    recovering.wait()
    assert SECRETS.get_secret("deleted").value == "v"
    SECRETS.begin_delete_secret("deleted").wait()
    SECRETS.purge_deleted_secret("deleted")
    refused(ResourceNotFoundError, SECRETS.get_deleted_secret, "deleted")
    assert SECRETS.set_secret("deleted", "new").value == "new"


@case
def backup_and_restore():
    first = SECRETS.set_secret("saved", "one", content_type="t")
    SECRETS.set_secret("saved", "two")
    backup = SECRETS.backup_secret("saved")
    refused(ResourceExistsError, SECRETS.restore_secret_backup, backup)
    SECRETS.begin_delete_secret("saved").wait()
    SECRETS.purge_deleted_secret("saved")
    assert SECRETS.restore_secret_backup(backup).name == "saved"
    assert SECRETS.get_secret("saved").value == "two"
    assert SECRETS.get_secret("saved", first.properties.version).value == "one"
    refused(HttpResponseError, SECRETS.restore_secret_backup, backup[:-1] + bytes([backup[-1] ^ 1]))


@case
def large_and_binary_values():
    large = base64.b64encode(os.urandom(48 * 1024)).decode()
    assert len(large) == 64 * 1024
    SECRETS.set_secret("large", large)
    assert SECRETS.get_secret("large").value == large
    assert refused(HttpResponseError, SECRETS.set_secret, "large", large + "x").status_code == 400
    empty_lines = "\n \t\u2028line\r\n\u0000end"
    SECRETS.set_secret("controls", empty_lines)
    assert SECRETS.get_secret("controls").value == empty_lines


@case
def every_api_version():
    for version in ["7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01", "2026-04-01"]:
        SECRETS.set_secret("by-version", version)
        answer = requests.get(f"{VAULT_URL}/secrets/by-version", params={"api-version": version}, headers={
            "Authorization": f"Bearer {os.environ['TOKEN']}"})
        assert answer.status_code == 200 and answer.json()["value"] == version, answer.text


@case
def policies_hold():
    limited = os.environ["LIMITED_CLIENT_SECRET"].split("|")
    kept = {name: os.environ[name] for name in ["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"]}
    os.environ.update(AZURE_CLIENT_ID=limited[0], AZURE_CLIENT_SECRET=limited[1])
    try:
        reader = client(EnvironmentCredential())
        assert reader.get_secret("by-default").value == "v"
        error = refused(HttpResponseError, reader.set_secret, "by-default", "x")
        assert error.status_code == 403 and error.error.innererror["code"] == "ForbiddenByPolicy"
        assert refused(HttpResponseError, lambda: list(reader.list_properties_of_secrets())).status_code == 403
    finally:
        os.environ.update(kept)


@case
def one_secret_with_the_vault_api():
    vault("POST", "secret/data/shared", json={"data": {"user": "u", "password": "p"}})
    assert SECRETS.get_secret("shared").value == '{"user":"u","password":"p"}'
    SECRETS.set_secret("shared", "plain")
    assert vault("GET", "secret/data/shared")["data"]["data"] == {"value": "plain"}
    vault("DELETE", "secret/data/shared")
    refused(ResourceNotFoundError, SECRETS.get_secret, "shared")


def crypto(key):
    return CryptographyClient(key, DefaultAzureCredential())


@case
def key_encrypts_and_wraps():
    key = KEYS.create_rsa_key("rsa", size=2048, tags={"a": "b"})
    assert key.key_type == KeyType.rsa and key.properties.tags == {"a": "b"}
    of = crypto(key)
    for algorithm in [EncryptionAlgorithm.rsa1_5, EncryptionAlgorithm.rsa_oaep, EncryptionAlgorithm.rsa_oaep_256]:
        sealed = of.encrypt(algorithm, "päß".encode())
        assert of.decrypt(algorithm, sealed.ciphertext).plaintext.decode() == "päß"
    wrapped = of.wrap_key(KeyWrapAlgorithm.rsa_oaep_256, b"0123456789abcdef")
    assert of.unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, wrapped.encrypted_key).key == b"0123456789abcdef"


@case
def key_signs():
    for key, algorithm, hashed in [
            (KEYS.create_rsa_key("signer"), SignatureAlgorithm.rs256, "sha256"),
            (KEYS.get_key("signer"), SignatureAlgorithm.ps512, "sha512"),
            (KEYS.create_ec_key("ec-256", curve="P-256"), SignatureAlgorithm.es256, "sha256"),
            (KEYS.create_ec_key("ec-384", curve="P-384"), SignatureAlgorithm.es384, "sha384"),
            (KEYS.create_ec_key("ec-521", curve="P-521"), SignatureAlgorithm.es512, "sha512")]:
        digest = hashlib.new(hashed, b"message").digest()
        of = crypto(key)
        signature = of.sign(algorithm, digest).signature
        assert of.verify(algorithm, digest, signature).is_valid
        assert not of.verify(algorithm, hashlib.new(hashed, b"other").digest(), signature).is_valid


@case
def key_versions_attributes_rotation():
    first = KEYS.create_ec_key("versions")
    second = KEYS.rotate_key("versions")
    assert first.properties.version != second.properties.version
    listed = [one.version for one in KEYS.list_properties_of_key_versions("versions")]
    assert sorted(listed) == sorted([first.properties.version, second.properties.version])
    changed = KEYS.update_key_properties("versions", tags={"x": "y"}, key_operations=[KeyOperation.sign])
    assert changed.properties.tags == {"x": "y"} and changed.key_operations == [KeyOperation.sign]
    policy = KeyRotationPolicy(lifetime_actions=[
        KeyRotationLifetimeAction(KeyRotationPolicyAction.rotate, time_after_create="P30D")], expires_in="P90D")
    assert KEYS.update_key_rotation_policy("versions", policy).expires_in == "P90D"
    assert KEYS.get_key_rotation_policy("versions").lifetime_actions[0].time_after_create == "P30D"
    assert "versions" in [one.name for one in KEYS.list_properties_of_keys()]
    assert len(KEYS.get_random_bytes(32)) == 32


@case
def key_delete_backup_restore():
    made = KEYS.create_ec_key("gone")
    backup = KEYS.backup_key("gone")
    KEYS.begin_delete_key("gone").wait()
    refused(ResourceNotFoundError, KEYS.get_key, "gone")
    KEYS.begin_recover_deleted_key("gone").wait()
    assert KEYS.get_key("gone").id == made.id
    KEYS.begin_delete_key("gone").wait()
    assert "gone" in [one.name for one in KEYS.list_deleted_keys()]
    KEYS.purge_deleted_key("gone")
    assert KEYS.restore_key_backup(backup).id == made.id
    refused(ResourceExistsError, KEYS.restore_key_backup, backup)


def main():
    failed = 0
    for function in CASES:
        try:
            function()
            print(f"  ok     azure-python {function.__name__}")
        except Exception:
            failed += 1
            print(f"  FAILED azure-python {function.__name__}")
            print("         " + traceback.format_exc().strip().replace("\n", "\n         "))
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
