#!/usr/bin/env bash
# Drives the server with the Terraform (or OpenTofu) of this machine and one provider, whose version its folder pins: apply, an empty plan,
# changes, an empty plan, import of every resource, an empty plan, destroy. Usage: suite.sh FOLDER. Environment: TERRAFORM (its program),
# what the provider reads, and TF_VAR_… of the folder. One line per case, then "N passed, N failed".
#
# The folder takes the variable `step` (1, then 2), has an output `imports` (address → id), and compares what it reads itself, by conditions.
set -u
folder=$1
name=terraform-$(basename "$folder")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$folder"/*.tf "$work"
cd "$work" || exit 1
export TF_IN_AUTOMATION=1 TF_INPUT=0 CHECKPOINT_DISABLE=1
passed=0
failed=0

# check NAME COMMAND…
check() {
  local case=$1
  shift
  if "$@" >"$work/output" 2>&1; then
    passed=$((passed + 1))
    echo "  ok     $name $case"
  else
    failed=$((failed + 1))
    printf '  FAILED %s %s\n%s\n' "$name" "$case" "$(tail -n 60 "$work/output")"
  fi
}

terraform() { "$TERRAFORM" "$@" -no-color; }
# A plan that finds nothing to do.
unchanged() { terraform plan -detailed-exitcode -lock=false -var "step=$1"; }

import_all() {
  terraform output -json imports | python3 -c '
import json, sys
for address, id in json.load(sys.stdin).items(): print(address, id, sep="\t")' >imports || return 1
  local address id
  while IFS=$'\t' read -r address id; do
    "$TERRAFORM" state rm "$address" && "$TERRAFORM" import -no-color -var step=2 "$address" "$id" || return 1
  done <imports
}

check 'installs the provider' terraform init
[ "$failed" -eq 0 ] || { echo "$passed passed, $failed failed" && exit 1; }
check 'makes everything' terraform apply -auto-approve -var step=1
check 'finds nothing to do then' unchanged 1
check 'changes what can be changed' terraform apply -auto-approve -var step=2
check 'finds nothing to do after that' unchanged 2
check 'imports what there is' import_all
# What an import cannot know (a value that is only written) is set again.
check 'settles after the import' terraform apply -auto-approve -var step=2
check 'finds nothing to do after the import' unchanged 2
check 'destroys everything' terraform destroy -auto-approve -var step=2
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
