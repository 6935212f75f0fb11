#!/usr/bin/env bash
# Drives the Azure Key Vault API with the unmodified az, told by its own cloud registration whom to ask. Environment: AZ (its program),
# AZURE_AUTHORITY_HOST, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, REQUESTS_CA_BUNDLE, HTTPS_PROXY. One line per case, then "N passed, N failed".
set -u
AZURE_CONFIG_DIR=$(mktemp -d)
export AZURE_CONFIG_DIR AZURE_CORE_COLLECT_TELEMETRY=false
trap 'rm -rf "$AZURE_CONFIG_DIR"' EXIT
passed=0
failed=0

# check NAME WANTED COMMAND…: runs it and compares what it prints; '*' takes anything. Warnings do not count.
check() {
  local name=$1 wanted=$2 output
  shift 2
  if output=$("$@" 2>/dev/null) && { [ "$wanted" = '*' ] || [ "$output" = "$wanted" ]; }; then
    passed=$((passed + 1))
    echo "  ok     azure-cli $name"
  else
    failed=$((failed + 1))
    printf '  FAILED azure-cli %s\n%s\n' "$name" "$output"
  fi
}

check 'registers the cloud' '*' "$AZ" cloud register -n strongroom --endpoint-resource-manager "$AZURE_AUTHORITY_HOST/"
check 'takes the cloud' '*' "$AZ" cloud set -n strongroom
check 'logs in' '*' "$AZ" login --service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_CLIENT_SECRET" --tenant adfs --allow-no-subscriptions
vault=(--vault-name myvault)
check 'sets a secret' 'hello' "$AZ" keyvault secret set "${vault[@]}" -n cli --value hello --query value -o tsv
check 'shows a secret' 'hello' "$AZ" keyvault secret show "${vault[@]}" -n cli --query value -o tsv
check 'lists secrets' 'cli' "$AZ" keyvault secret list "${vault[@]}" --query '[].name' -o tsv
check 'deletes a secret' 'cli' "$AZ" keyvault secret delete "${vault[@]}" -n cli --query name -o tsv
check 'lists deleted secrets' 'cli' "$AZ" keyvault secret list-deleted "${vault[@]}" --query '[].name' -o tsv
check 'recovers a secret' 'cli' "$AZ" keyvault secret recover "${vault[@]}" -n cli --query name -o tsv
check 'creates a key' 'RSA' "$AZ" keyvault key create "${vault[@]}" -n key --kty RSA --query key.kty -o tsv
check 'lists keys' 'key' "$AZ" keyvault key list "${vault[@]}" --query '[].name' -o tsv
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
