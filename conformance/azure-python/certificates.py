"""Drives Azure's certificates with the unmodified SDK for Python. Environment and output as in suite.py."""
import base64
import os
import sys
import traceback

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.keyvault.certificates import (AdministratorContact, CertificateClient, CertificateContact,
                                         CertificateContentType, CertificatePolicy, CertificatePolicyAction, KeyCurveName, KeyType,
                                         KeyUsageType, LifetimeAction, WellKnownIssuerNames)
from azure.keyvault.keys import KeyClient
from azure.keyvault.secrets import SecretClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
import datetime

CASES = []
URL = os.environ["VAULT_URL"]
CREDENTIAL = DefaultAzureCredential()
CERTIFICATES = CertificateClient(URL, CREDENTIAL)
SECRETS = SecretClient(URL, CREDENTIAL)
KEYS = KeyClient(URL, CREDENTIAL)
SELF = CertificatePolicy(WellKnownIssuerNames.self, subject="CN=python")


def case(function):
    CASES.append(function)
    return function


def refused(error, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except error as raised:
        return raised
    raise AssertionError(f"was not refused with {error.__name__}")


def parsed(certificate):
    return x509.load_der_x509_certificate(bytes(certificate.cer))


@case
def self_signed_with_key_and_secret():
    made = CERTIFICATES.begin_create_certificate("self", CertificatePolicy.get_default(), tags={"a": "b"}).result()
    assert made.name == "self" and made.properties.tags == {"a": "b"} and made.properties.enabled
    assert bytes(made.properties.x509_thumbprint) == parsed(made).fingerprint(hashes.SHA1())
    assert made.policy.issuer_name == "Self" and made.policy.subject == "CN=DefaultPolicy"
    assert made.properties.expires_on == parsed(made).not_valid_after_utc
    operation = CERTIFICATES.get_certificate_operation("self")
    assert operation.status == "completed" and operation.target.endswith("/certificates/self")
    secret = SECRETS.get_secret("self")
    assert secret.properties.content_type == "application/x-pkcs12" and secret.properties.managed
    key, leaf, chain = pkcs12.load_key_and_certificates(base64.b64decode(secret.value), None)
    assert leaf == parsed(made) and key.public_key() == leaf.public_key() and chain == []
    assert KEYS.get_key("self", made.properties.version).key.n == key.public_key().public_numbers().n.to_bytes(256)


@case
def everything_of_a_policy():
    policy = CertificatePolicy(
        WellKnownIssuerNames.self, subject="CN=full, O=Acme, C=DE", san_dns_names=["a.example.com", "b.example.com"],
        san_emails=["a@example.com"], san_user_principal_names=["u@example.com"], exportable=True, key_type=KeyType.ec,
        key_curve_name=KeyCurveName.p_384, reuse_key=False, content_type=CertificateContentType.pem, validity_in_months=6,
        key_usage=[KeyUsageType.digital_signature], enhanced_key_usage=["1.3.6.1.5.5.7.3.2"],
        lifetime_actions=[LifetimeAction(CertificatePolicyAction.auto_renew, days_before_expiry=20)])
    made = CERTIFICATES.begin_create_certificate("full", policy).result()
    certificate = parsed(made)
    assert certificate.subject.rfc4514_string() == "CN=full,O=Acme,C=DE"
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.example.com", "b.example.com"]
    assert names.get_values_for_type(x509.RFC822Name) == ["a@example.com"]
    assert certificate.public_key().curve.name == "secp384r1"
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and not usage.key_encipherment
    found = CERTIFICATES.get_certificate_policy("full")
    assert found.san_dns_names == policy.san_dns_names and found.san_user_principal_names == ["u@example.com"]
    assert found.key_curve_name == KeyCurveName.p_384 and found.validity_in_months == 6
    assert found.lifetime_actions[0].days_before_expiry == 20 and found.key_usage == [KeyUsageType.digital_signature]
    pem = SECRETS.get_secret("full").value
    assert pem.startswith("-----BEGIN PRIVATE KEY-----") and x509.load_pem_x509_certificate(pem.encode()) == certificate
    changed = CERTIFICATES.update_certificate_policy("full", CertificatePolicy(
        WellKnownIssuerNames.self, subject="CN=other", validity_in_months=3))
    assert changed.validity_in_months == 3 and changed.subject == "CN=other"


@case
def versions_and_properties():
    first = CERTIFICATES.begin_create_certificate("versions", SELF).result()
    second = CERTIFICATES.begin_create_certificate("versions", SELF, enabled=True).result()
    listed = [one.version for one in CERTIFICATES.list_properties_of_certificate_versions("versions", max_page_size=1)]
    assert sorted(listed) == sorted([first.properties.version, second.properties.version])
    old = CERTIFICATES.get_certificate_version("versions", first.properties.version)
    assert old.cer == first.cer
    changed = CERTIFICATES.update_certificate_properties("versions", first.properties.version, enabled=False, tags={"x": "y"})
    assert changed.properties.enabled is False and changed.properties.tags == {"x": "y"}
    assert refused(HttpResponseError, SECRETS.get_secret, "versions", first.properties.version).status_code == 403
    assert "versions" in [one.name for one in CERTIFICATES.list_properties_of_certificates()]
    refused(ResourceNotFoundError, CERTIFICATES.get_certificate, "nothing-here")


@case
def imported_pfx_and_pem():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "imported")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now)
                   .not_valid_after(now + datetime.timedelta(days=90)).sign(key, hashes.SHA256()))
    pfx = pkcs12.serialize_key_and_certificates(b"n", key, certificate, None, serialization.BestAvailableEncryption(b"pass"))
    made = CERTIFICATES.import_certificate("from-pfx", pfx, password="pass")
    assert parsed(made) == certificate and made.policy.key_type == KeyType.ec
    refused(HttpResponseError, CERTIFICATES.import_certificate, "wrong", pfx, password="other")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem += certificate.public_bytes(serialization.Encoding.PEM)
    policy = CertificatePolicy("Unknown", content_type=CertificateContentType.pem)
    made = CERTIFICATES.import_certificate("from-pem", pem, policy=policy)
    assert parsed(made) == certificate
    assert SECRETS.get_secret("from-pem").value.strip() == pem.decode().strip()


@case
def issuer_of_ours():
    refused(HttpResponseError, CERTIFICATES.begin_create_certificate, "early", CertificatePolicy("site", subject="CN=x"))
    made = CERTIFICATES.create_issuer("site", "Test", account_id="me", organization_id="org", admin_contacts=[
        AdministratorContact(first_name="A", last_name="B", email="a@example.com", phone="1")])
    assert made.provider == "Test" and made.account_id == "me" and made.admin_contacts[0].email == "a@example.com"
    assert CERTIFICATES.update_issuer("site", account_id="you").account_id == "you"
    found = CERTIFICATES.get_issuer("site")
    assert found.organization_id == "org" and found.account_id == "you" and found.enabled
    assert [one.name for one in CERTIFICATES.list_properties_of_issuers()] == ["site"]
    issued = CERTIFICATES.begin_create_certificate("issued", CertificatePolicy(
        "site", subject="CN=www.example.com", san_dns_names=["www.example.com"], validity_in_months=1)).result()
    assert parsed(issued).issuer.rfc4514_string() == "CN=Root"
    _, leaf, chain = pkcs12.load_key_and_certificates(base64.b64decode(SECRETS.get_secret("issued").value), None)
    assert leaf == parsed(issued) and len(chain) == 1
    assert CERTIFICATES.delete_issuer("site").name == "site"
    refused(ResourceNotFoundError, CERTIFICATES.get_issuer, "site")


@case
def merged_after_signing_elsewhere():
    policy = CertificatePolicy(WellKnownIssuerNames.unknown, subject="CN=merged", key_type=KeyType.rsa, key_size=2048)
    CERTIFICATES.begin_create_certificate("merged", policy)
    operation = CERTIFICATES.get_certificate_operation("merged")
    assert operation.status == "inProgress" and operation.issuer_name == "Unknown"
    request = x509.load_der_x509_csr(bytes(operation.csr))
    assert request.is_signature_valid and request.subject.rfc4514_string() == "CN=merged"
    authority = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Elsewhere")])
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (x509.CertificateBuilder().subject_name(request.subject).issuer_name(name).public_key(request.public_key())
              .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=9))
              .sign(authority, hashes.SHA256()))
    made = CERTIFICATES.merge_certificate("merged", [signed.public_bytes(serialization.Encoding.DER)])
    assert parsed(made) == signed
    key, leaf, _ = pkcs12.load_key_and_certificates(base64.b64decode(SECRETS.get_secret("merged").value), None)
    assert leaf == signed and key.public_key() == signed.public_key()


@case
def cancelled_and_dropped():
    policy = CertificatePolicy(WellKnownIssuerNames.unknown, subject="CN=cancelled")
    CERTIFICATES.begin_create_certificate("cancelled", policy)
    assert refused(ResourceExistsError, CERTIFICATES.begin_create_certificate, "cancelled", SELF).error.code == "Conflict"
    assert CERTIFICATES.cancel_certificate_operation("cancelled").cancellation_requested
    assert CERTIFICATES.get_certificate_operation("cancelled").status == "cancelled"
    assert CERTIFICATES.delete_certificate_operation("cancelled").status == "cancelled"
    error = refused(ResourceNotFoundError, CERTIFICATES.get_certificate_operation, "cancelled")
    assert error.error.code == "PendingCertificateNotFound"


@case
def delete_recover_purge_backup_restore():
    made = CERTIFICATES.begin_create_certificate("gone", SELF).result()
    backup = CERTIFICATES.backup_certificate("gone")
    refused(ResourceExistsError, CERTIFICATES.restore_certificate_backup, backup)
    deleted = CERTIFICATES.begin_delete_certificate("gone").result()
    assert deleted.recovery_id.endswith("/deletedcertificates/gone") and deleted.deleted_on
    refused(ResourceNotFoundError, CERTIFICATES.get_certificate, "gone")
    refused(ResourceNotFoundError, SECRETS.get_secret, "gone")
    assert "gone" in [one.name for one in CERTIFICATES.list_deleted_certificates()]
    assert CERTIFICATES.get_deleted_certificate("gone").cer == made.cer
    CERTIFICATES.begin_recover_deleted_certificate("gone").wait()
    assert CERTIFICATES.get_certificate("gone").cer == made.cer
    CERTIFICATES.begin_delete_certificate("gone").wait()
    CERTIFICATES.purge_deleted_certificate("gone")
    refused(ResourceNotFoundError, CERTIFICATES.get_deleted_certificate, "gone")
    assert CERTIFICATES.restore_certificate_backup(backup).id == made.id


@case
def contacts():
    refused(ResourceNotFoundError, CERTIFICATES.get_contacts)
    given = [CertificateContact(email="a@example.com", name="A", phone="1"), CertificateContact(email="b@example.com")]
    assert [one.email for one in CERTIFICATES.set_contacts(given)] == ["a@example.com", "b@example.com"]
    assert CERTIFICATES.get_contacts()[0].name == "A"
    assert len(CERTIFICATES.delete_contacts()) == 2
    refused(ResourceNotFoundError, CERTIFICATES.get_contacts)


def main():
    failed = 0
    for function in CASES:
        try:
            function()
            print(f"  ok     azure-certificates-python {function.__name__}")
        except Exception:
            failed += 1
            print(f"  FAILED azure-certificates-python {function.__name__}")
            print("         " + traceback.format_exc().strip().replace("\n", "\n         "))
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
