"""Drives the AWS APIs with the unmodified boto3, told by environment variables alone whom to ask.

Environment: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION, AWS_CA_BUNDLE; ACCOUNT; LIMITED_KEY (of an
entity that may only read); FEDERATED_TOKEN_FILE; ADDR and TOKEN of the same server's Vault API. One line per case, then the count.
"""
import json
import os
import ssl
import sys
import traceback
import urllib.request
import uuid

import boto3
from botocore.exceptions import ClientError

CASES = []
ACCOUNT = os.environ["ACCOUNT"]


def case(function):
    CASES.append(function)
    return function


def client(service, **options):
    return boto3.client(service, **options)


SM = client("secretsmanager")


def vault(method, path, body=None):
    request = urllib.request.Request(f"{os.environ['ADDR']}/v1/{path}", method=method)
    request.add_header("X-Vault-Token", os.environ["TOKEN"])
    data = None if body is None else json.dumps(body).encode()
    context = ssl.create_default_context(cafile=os.environ["CA"])
    with urllib.request.urlopen(request, data=data, context=context) as reply:
        text = reply.read()
        return json.loads(text) if text else {}


def refused(code, function, **arguments):
    try:
        function(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error
    raise AssertionError(f"not refused with {code}")


def fresh(value="value", **more):
    name = f"team/{uuid.uuid4()}"
    made = SM.create_secret(Name=name, SecretString=value, **more)
    return name, made


@case
def create_read_update_delete():
    name, made = fresh("first", Description="d", Tags=[{"Key": "team", "Value": "red"}])
    assert made["ARN"].startswith(f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:{name}-")
    got = SM.get_secret_value(SecretId=name)
    assert got["SecretString"] == "first" and got["VersionStages"] == ["AWSCURRENT"]
    assert got["VersionId"] == made["VersionId"] and got["ARN"] == made["ARN"]
    put = SM.put_secret_value(SecretId=made["ARN"], SecretString="second")
    assert SM.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")["SecretString"] == "first"
    assert SM.get_secret_value(SecretId=name, VersionId=put["VersionId"])["SecretString"] == "second"
    SM.update_secret(SecretId=name, Description="e", SecretString="third")
    shown = SM.describe_secret(SecretId=name)
    assert shown["Description"] == "e" and shown["Tags"] == [{"Key": "team", "Value": "red"}]
    assert sorted(sum(shown["VersionIdsToStages"].values(), [])) == ["AWSCURRENT", "AWSPREVIOUS"]
    SM.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    refused("ResourceNotFoundException", SM.get_secret_value, SecretId=name)


@case
def values_come_back_unchanged():
    for value in ["{\"b\": 1.10, \"a\": 9007199254740993}", "ключ 🔑 \u0000 é", "x" * 65536, " "]:
        name, _ = fresh(value)
        assert SM.get_secret_value(SecretId=name)["SecretString"] == value
    for binary in [bytes(range(256)), b"\x00", bytes(65536)]:
        name = f"team/{uuid.uuid4()}"
        SM.create_secret(Name=name, SecretBinary=binary)
        assert SM.get_secret_value(SecretId=name)["SecretBinary"] == binary
    refused("ValidationException", SM.create_secret, Name="large", SecretString="x" * 65537)


@case
def errors_are_typed():
    name, _ = fresh()
    for exception, call in [
        (SM.exceptions.ResourceNotFoundException, lambda: SM.get_secret_value(SecretId="none")),
        (SM.exceptions.ResourceExistsException, lambda: SM.create_secret(Name=name, SecretString="x")),
        (SM.exceptions.InvalidRequestException, lambda: SM.put_secret_value(SecretId=name)),
        (SM.exceptions.InvalidParameterException, lambda: SM.delete_secret(SecretId=name, RecoveryWindowInDays=1)),
    ]:
        try:
            call()
        except exception as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400
            assert len(error.response["ResponseMetadata"]["RequestId"]) == 36
        else:
            raise AssertionError(exception)


@case
def pages_and_filters():
    prefix = f"pages-{uuid.uuid4()}"
    names = [f"{prefix}/{number:02}" for number in range(25)]
    for name in names:
        SM.create_secret(Name=name, SecretString="v", Tags=[{"Key": "set", "Value": prefix}])
    pages = SM.get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": [prefix]}], PaginationConfig={"PageSize": 7}
    )
    assert [entry["Name"] for page in pages for entry in page["SecretList"]] == names
    tagged = SM.list_secrets(Filters=[{"Key": "tag-value", "Values": [prefix]}], SortOrder="desc")
    assert len(tagged["SecretList"]) == 25
    batch = SM.batch_get_secret_value(SecretIdList=[names[0], "none"])
    assert batch["SecretValues"][0]["SecretString"] == "v"
    assert batch["Errors"][0]["ErrorCode"] == "ResourceNotFoundException"


@case
def stages_move():
    name, made = fresh("one")
    second = SM.put_secret_value(SecretId=name, SecretString="two", VersionStages=["AWSPENDING"])
    assert SM.get_secret_value(SecretId=name)["SecretString"] == "one"
    SM.update_secret_version_stage(
        SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=second["VersionId"], RemoveFromVersionId=made["VersionId"]
    )
    assert SM.get_secret_value(SecretId=name)["SecretString"] == "two"
    assert SM.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")["SecretString"] == "one"
    assert vault("GET", f"secret/data/{name}")["data"]["data"] == {"value": "two"}
    listed = SM.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"]
    assert {tuple(entry["VersionStages"]) for entry in listed} == {("AWSCURRENT", "AWSPENDING"), ("AWSPREVIOUS",)}


@case
def recovery_window():
    name, _ = fresh()
    SM.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    refused("InvalidRequestException", SM.get_secret_value, SecretId=name)
    assert "DeletedDate" in SM.describe_secret(SecretId=name)
    SM.restore_secret(SecretId=name)
    assert SM.get_secret_value(SecretId=name)["SecretString"] == "value"


@case
def tags_policies_replicas():
    name, made = fresh()
    SM.tag_resource(SecretId=name, Tags=[{"Key": "a", "Value": ""}])
    SM.untag_resource(SecretId=name, TagKeys=["a"])
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/app"},
                "Action": "secretsmanager:PutSecretValue",
                "Resource": "*",
            }
        ],
    }
    SM.put_resource_policy(SecretId=name, ResourcePolicy=json.dumps(policy), BlockPublicPolicy=True)
    assert json.loads(SM.get_resource_policy(SecretId=name)["ResourcePolicy"]) == policy
    refused("AccessDeniedException", SM.put_secret_value, SecretId=name, SecretString="x")
    SM.delete_resource_policy(SecretId=name)
    status = SM.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[{"Region": "eu-west-1"}])
    assert status["ReplicationStatus"][0]["Status"] == "InSync"
    there = client("secretsmanager", region_name="eu-west-1")
    assert there.get_secret_value(SecretId=made["ARN"].replace("eu-central-1", "eu-west-1"))["SecretString"] == "value"
    refused("InvalidRequestException", SM.delete_secret, SecretId=name)
    SM.remove_regions_from_replication(SecretId=name, RemoveReplicaRegions=["eu-west-1"])


@case
def one_secret_for_both_apis():
    name = f"team/{uuid.uuid4()}"
    vault("POST", f"secret/data/{name}", {"data": {"user": "u", "n": 1}})
    assert json.loads(SM.get_secret_value(SecretId=name)["SecretString"]) == {"user": "u", "n": 1}
    SM.put_secret_value(SecretId=name, SecretString='{"user":"v"}')
    assert vault("GET", f"secret/data/{name}")["data"]["data"] == {"user": "v"}
    assert SM.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")["SecretString"] == '{"user":"u","n":1}'


@case
def who_may():
    name, _ = fresh()
    key, secret = os.environ["LIMITED_KEY"].split("|")
    reader = client("secretsmanager", aws_access_key_id=key, aws_secret_access_key=secret)
    assert reader.get_secret_value(SecretId=name)["SecretString"] == "value"
    refused("AccessDeniedException", reader.put_secret_value, SecretId=name, SecretString="x")
    wrong = client("secretsmanager", aws_access_key_id=key, aws_secret_access_key="wrong")
    assert refused("InvalidSignatureException", wrong.get_secret_value, SecretId=name).response["ResponseMetadata"]["HTTPStatusCode"] == 403
    unknown = client("secretsmanager", aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="x")
    refused("UnrecognizedClientException", unknown.get_secret_value, SecretId=name)


@case
def identities_and_sessions():
    sts = client("sts")
    who = sts.get_caller_identity()
    assert who["Account"] == ACCOUNT and who["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/app"
    with open(os.environ["FEDERATED_TOKEN_FILE"]) as file:
        token = file.read()
    session = sts.assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/app", RoleSessionName="pod", WebIdentityToken=token
    )
    keys = session["Credentials"]
    temporary = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    assert client("sts", **temporary).get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/app/pod"
    name, _ = fresh()
    assert client("secretsmanager", **temporary).get_secret_value(SecretId=name)["SecretString"] == "value"
    refused(
        "InvalidIdentityToken",
        sts.assume_role_with_web_identity,
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/app",
        RoleSessionName="pod",
        WebIdentityToken=token[:-4] + "AAAA",
    )


@case
def keyless_by_environment():
    os.environ.update(AWS_ROLE_ARN=f"arn:aws:iam::{ACCOUNT}:role/app", AWS_WEB_IDENTITY_TOKEN_FILE=os.environ["FEDERATED_TOKEN_FILE"])
    saved = {name: os.environ.pop(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    try:
        assert "assumed-role/app/" in boto3.Session().client("sts").get_caller_identity()["Arn"]
    finally:
        os.environ.update(saved)
        del os.environ["AWS_ROLE_ARN"], os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"]


@case
def keys():
    kms = client("kms")
    context = {"a": "1", "b": "2"}
    blob = kms.encrypt(KeyId="alias/unseal", Plaintext=b"secret", EncryptionContext=context)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext={"b": "2", "a": "1"})["Plaintext"] == b"secret"
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=blob)
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=blob[:-1] + b"A", EncryptionContext=context)
    data = kms.generate_data_key(KeyId="unseal", KeySpec="AES_256")
    assert len(data["Plaintext"]) == 32 and kms.decrypt(CiphertextBlob=data["CiphertextBlob"])["Plaintext"] == data["Plaintext"]
    again = kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId="alias/unseal")
    assert kms.decrypt(CiphertextBlob=again["CiphertextBlob"])["Plaintext"] == b"secret"
    assert kms.describe_key(KeyId="alias/unseal")["KeyMetadata"]["Enabled"]
    refused("NotFoundException", kms.encrypt, KeyId="alias/none", Plaintext=b"x")
    refused("NotFoundException", kms.describe_key, KeyId="none")


def main():
    failed = 0
    for run in CASES:
        try:
            run()
            print(f"  ok     aws-python {run.__name__}")
        except Exception:
            failed += 1
            print(f"  FAILED aws-python {run.__name__}")
            traceback.print_exc(file=sys.stdout)
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
