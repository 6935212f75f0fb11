"""Logs in with the unmodified hvac client, by each method.

Environment: ADDR, CA (PEM file), ROLE_ID, SECRET_ID, JWT, KUBERNETES_JWT, CLIENT_CERT, CLIENT_KEY.
One line per case, then "N passed, N failed".
"""
import os
import sys
import traceback

import hvac
from hvac import exceptions

ENV = os.environ
WANTED = {"value": "of everybody who is in"}


def client(**options):
    return hvac.Client(url=ENV["ADDR"], verify=ENV["CA"], **options)


def hvac_case(login, wrong, **options):
    def run():
        refusing = client(**options)
        try:
            wrong(refusing)
        except (exceptions.InvalidRequest, exceptions.Forbidden):
            pass
        else:
            raise AssertionError("a wrong login was not refused")
        caller = client(**options)
        login(caller)
        assert caller.is_authenticated()
        read = caller.secrets.kv.v2.read_secret_version("app", raise_on_deleted_version=True)
        assert read["data"]["data"] == WANTED
        caller.auth.token.renew_self()
        caller.logout(revoke_token=True)
    return run


CERTIFICATE = {"cert": (ENV["CLIENT_CERT"], ENV["CLIENT_KEY"])}
CASES = {
    "hvac approle": hvac_case(
        lambda c: c.auth.approle.login(ENV["ROLE_ID"], ENV["SECRET_ID"]),
        lambda c: c.auth.approle.login(ENV["ROLE_ID"], "x"),
    ),
    "hvac userpass": hvac_case(
        lambda c: c.auth.userpass.login("ada", "lovelace"),
        lambda c: c.auth.userpass.login("ada", "x"),
    ),
    "hvac jwt": hvac_case(
        lambda c: c.auth.jwt.jwt_login("app", ENV["JWT"]),
        lambda c: c.auth.jwt.jwt_login("app", ENV["JWT"] + "x"),
    ),
    "hvac kubernetes": hvac_case(
        lambda c: c.auth.kubernetes.login("app", ENV["KUBERNETES_JWT"]),
        lambda c: c.auth.kubernetes.login("app", ENV["JWT"]),
    ),
    "hvac cert": hvac_case(
        lambda c: c.auth.cert.login(name="app", cert_pem=ENV["CLIENT_CERT"], key_pem=ENV["CLIENT_KEY"]),
        lambda c: c.auth.cert.login(name="other", cert_pem=ENV["CLIENT_CERT"], key_pem=ENV["CLIENT_KEY"]),
        **CERTIFICATE,
    ),
}


def main():
    failed = 0
    for name, function in CASES.items():
        try:
            function()
            print(f"  ok     logins-python {name}")
        except Exception:
            failed += 1
            print(f"  FAILED logins-python {name}")
            print("         " + traceback.format_exc().strip().replace("\n", "\n         "))
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
