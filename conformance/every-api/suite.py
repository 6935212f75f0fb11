"""One secret, four native APIs: stores by each of hvac, boto3, Azure's and Google's libraries, and reads by the three others.

Environment: that of the suites of Azure and Google together, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ADDR, CA and TOKEN. One line per
case, then "N passed, N failed".
"""
import base64
import json
import os
import sys
import traceback

import boto3
import botocore.exceptions
import hvac
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from google.api_core import exceptions
from google.cloud import secretmanager_v1 as sm
from google.oauth2 import service_account

CASES = []
PARENT = f"projects/{os.environ['PROJECT']}"
AWS = boto3.client("secretsmanager", region_name="eu-central-1", endpoint_url=os.environ["ADDR"], verify=os.environ["CA"])
AZURE = SecretClient(os.environ["VAULT_URL"], DefaultAzureCredential())
GOOGLE = sm.SecretManagerServiceClient(
    credentials=service_account.Credentials.from_service_account_file(os.environ["KEY_FILE"]),
    client_options={"api_endpoint": os.environ["ENDPOINT"]})
VAULT = hvac.Client(url=os.environ["ADDR"], token=os.environ["TOKEN"], verify=os.environ["CA"]).secrets.kv.v2


def case(function):
    CASES.append(function)
    return function


# Each stores text and gives it back; `shown` is what the Vault API shows of it.

def vault_put(name, text):
    VAULT.create_or_update_secret(name, json.loads(text))


def aws_put(name, text):
    try:
        AWS.create_secret(Name=name, SecretString=text)
    except AWS.exceptions.ResourceExistsException:
        AWS.put_secret_value(SecretId=name, SecretString=text)


def azure_put(name, text):
    AZURE.set_secret(name, text)


def google_put(name, text):
    try:
        GOOGLE.create_secret(parent=PARENT, secret_id=name, secret={"replication": {"automatic": {}}})
    except exceptions.AlreadyExists:
        pass
    GOOGLE.add_secret_version(parent=f"{PARENT}/secrets/{name}", payload={"data": text.encode()})


def vault_get(name):
    return VAULT.read_secret_version(name, raise_on_deleted_version=True)["data"]["data"]


def aws_get(name):
    return AWS.get_secret_value(SecretId=name)["SecretString"]


def azure_get(name):
    return AZURE.get_secret(name).value


def google_get(name):
    return GOOGLE.access_secret_version(name=f"{PARENT}/secrets/{name}/versions/latest").payload.data.decode()


def gone(function, name):
    try:
        function(name)
    except (hvac.exceptions.InvalidPath, ResourceNotFoundError, exceptions.NotFound, exceptions.FailedPrecondition):
        return True
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"] in ("ResourceNotFoundException", "InvalidRequestException")
    return False


PUTS = {"vault": vault_put, "aws": aws_put, "azure": azure_put, "google": google_put}
READS = {"aws": aws_get, "azure": azure_get, "google": google_get}


def stored_by(writer):
    def objects():
        """An object reads alike everywhere, byte for byte where text is shown."""
        text = '{"user":"ü","n":12345678901234567890}' if writer != "vault" else '{"user":"ü","n":7}'
        PUTS[writer](f"object-{writer}", text)
        for reader, read in READS.items():
            assert read(f"object-{writer}") == text, reader
        assert vault_get(f"object-{writer}") == json.loads(text)
    objects.__name__ = f"an_object_stored_by_{writer}"
    CASES.append(objects)
    if writer == "vault":
        return

    def texts():
        for text in ["plain", "päß ✓ 🔑\n", '["no object"]', "x" * 65536]:
            PUTS[writer](f"text-{writer}", text)
            for reader, read in READS.items():
                assert read(f"text-{writer}") == text, reader
            assert vault_get(f"text-{writer}") == {"value": text}
    texts.__name__ = f"texts_stored_by_{writer}"
    CASES.append(texts)


for api in PUTS:
    stored_by(api)


@case
def bytes_are_the_same_everywhere():
    data = bytes(range(256))
    AWS.create_secret(Name="bytes-aws", SecretBinary=data)
    GOOGLE.create_secret(parent=PARENT, secret_id="bytes-google", secret={"replication": {"automatic": {}}})
    GOOGLE.add_secret_version(parent=f"{PARENT}/secrets/bytes-google", payload={"data": data})
    for name in ["bytes-aws", "bytes-google"]:
        assert AWS.get_secret_value(SecretId=name)["SecretBinary"] == data
        assert GOOGLE.access_secret_version(name=f"{PARENT}/secrets/{name}/versions/latest").payload.data == data
        found = AZURE.get_secret(name)
        assert base64.b64decode(found.value) == data and found.properties.tags["file-encoding"] == "base64"
        assert vault_get(name) == {"value": base64.b64encode(data).decode()}


@case
def every_write_is_the_next_version_for_all():
    for number, (writer, put) in enumerate(PUTS.items(), 1):
        text = json.dumps({"by": writer}, separators=(",", ":"))
        put("history", text)
        for reader, read in READS.items():
            assert read("history") == text, (writer, reader)
        assert vault_get("history") == {"by": writer}
        assert VAULT.read_secret_metadata("history")["data"]["current_version"] == number
    versions = list(GOOGLE.list_secret_versions(parent=f"{PARENT}/secrets/history"))
    assert len(versions) == len(list(AZURE.list_properties_of_secret_versions("history"))) == len(PUTS)
    assert GOOGLE.access_secret_version(name=f"{PARENT}/secrets/history/versions/1").payload.data == b'{"by":"vault"}'


@case
def tags_labels_metadata():
    AWS.create_secret(Name="tagged", SecretString="v", Tags=[{"Key": "team", "Value": "core"}])
    assert VAULT.read_secret_metadata("tagged")["data"]["custom_metadata"] == {"team": "core"}
    assert GOOGLE.get_secret(name=f"{PARENT}/secrets/tagged").labels == {"team": "core"}
    assert AZURE.get_secret("tagged").properties.tags == {"team": "core"}


@case
def switched_off_by_one_is_off_for_all():
    AZURE.set_secret("off", "v")
    AZURE.update_secret_properties("off", enabled=False)
    assert all(gone(read, "off") for read in [vault_get, aws_get, google_get])
    GOOGLE.enable_secret_version(name=f"{PARENT}/secrets/off/versions/1")
    assert azure_get("off") == aws_get("off") == "v"


@case
def deleted_by_one_is_gone_for_all_until_recovered():
    AZURE.set_secret("window", "v")
    AZURE.begin_delete_secret("window").wait()
    assert all(gone(read, "window") for read in [vault_get, aws_get, google_get])
    AWS.restore_secret(SecretId="window")
    assert azure_get("window") == google_get("window") == "v"
    AWS.delete_secret(SecretId="window", RecoveryWindowInDays=7)
    assert all(gone(read, "window") for read in [vault_get, azure_get, google_get])
    try:
        AZURE.set_secret("window", "x")
        raise AssertionError("a deleted secret was written")
    except ResourceExistsError:
        pass
    AZURE.begin_recover_deleted_secret("window").wait()
    assert aws_get("window") == "v"


@case
def removed_for_good_by_one_is_gone_for_all():
    google_put("removed", "v")
    GOOGLE.delete_secret(name=f"{PARENT}/secrets/removed")
    assert all(gone(read, "removed") for read in [vault_get, aws_get, azure_get])
    AZURE.set_secret("removed", "new")
    assert google_get("removed") == "new"


def main():
    failed = 0
    for function in CASES:
        try:
            function()
            print(f"  ok     every-api {function.__name__}")
        except Exception:
            failed += 1
            print(f"  FAILED every-api {function.__name__}")
            print("         " + traceback.format_exc().strip().replace("\n", "\n         "))
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
