"""Logs in with Ansible's unmodified community.hashi_vault modules, by each method.

Environment: ADDR, CA (PEM file), ROLE_ID, SECRET_ID, JWT, KUBERNETES_JWT, CLIENT_CERT, CLIENT_KEY.
One line per case, then "N passed, N failed".
"""
import json
import os
import subprocess
import sys
import tempfile
import traceback

ENV = os.environ
WANTED = {"value": "of everybody who is in"}
CASES = {}

# The collection knows no Kubernetes login; its jwt method takes any mount and role, and sends the same body.
ANSIBLE = {
    "approle": {"role_id": ENV["ROLE_ID"], "secret_id": ENV["SECRET_ID"]},
    "userpass": {"username": "ada", "password": "lovelace"},
    "jwt": {"role_id": "app", "jwt": ENV["JWT"]},
    "kubernetes": {"auth_method": "jwt", "mount_point": "kubernetes", "role_id": "app", "jwt": ENV["KUBERNETES_JWT"]},
    "cert": {"role_id": "app", "cert_auth_public_key": ENV["CLIENT_CERT"], "cert_auth_private_key": ENV["CLIENT_KEY"]},
}


def playbook(folder):
    tasks = []
    for method, options in ANSIBLE.items():
        given = {"url": ENV["ADDR"], "ca_cert": ENV["CA"], "auth_method": method, **options}
        tasks.append({"community.hashi_vault.vault_login": given, "register": method})
        tasks.append({
            "community.hashi_vault.vault_kv2_get": {**given, "path": "app", "engine_mount_point": "secret"},
            "register": method + "_read",
        })
    fields = {
        method: [
            "{{ " + method + ".login.auth.client_token is defined }}",
            "{{ " + method + "_read.secret.value | default('') }}",
        ]
        for method in ANSIBLE
    }
    for task in tasks:
        task["ignore_errors"] = True
    tasks.append({"ansible.builtin.copy": {"dest": folder + "/result.json", "content": json.dumps(fields)}})
    with open(folder + "/play.yml", "w") as file:
        json.dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], file)


RESULT = {}


def ansible(method):
    def run():
        if not RESULT:
            with tempfile.TemporaryDirectory() as folder:
                playbook(folder)
                program = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")
                environment = {
                    **ENV,
                    "ANSIBLE_LOCALHOST_WARNING": "False",
                    "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
                    "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
                    "ANSIBLE_HOME": folder,
                    "LC_ALL": "C.UTF-8",
                }
                done = subprocess.run(
                    [program, "play.yml"], cwd=folder, env=environment, capture_output=True, text=True
                )
                try:
                    with open(folder + "/result.json") as file:
                        RESULT.update(json.load(file))
                except FileNotFoundError:
                    raise AssertionError(done.stdout[-4000:] + done.stderr[-2000:]) from None
                RESULT["output"] = done.stdout[-6000:]
        assert [str(each) for each in RESULT[method]] == ["True", WANTED["value"]], RESULT["output"]
    return run


for name in ANSIBLE:
    CASES[name] = ansible(name)


def main():
    failed = 0
    for name, function in CASES.items():
        try:
            function()
            print(f"  ok     logins-ansible {name}")
        except Exception:
            failed += 1
            print(f"  FAILED logins-ansible {name}")
            print("         " + traceback.format_exc().strip().replace("\n", "\n         "))
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
