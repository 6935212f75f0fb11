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
work=$AZURE_CONFIG_DIR
check 'backs a secret up' '*' "$AZ" keyvault secret backup "${vault[@]}" -n cli -f "$work/secret.backup"
check 'deletes it again' 'cli' "$AZ" keyvault secret delete "${vault[@]}" -n cli --query name -o tsv
check 'purges it' '*' "$AZ" keyvault secret purge "${vault[@]}" -n cli
check 'restores it' 'cli' "$AZ" keyvault secret restore "${vault[@]}" -f "$work/secret.backup" --query name -o tsv
check 'which has its value' 'hello' "$AZ" keyvault secret show "${vault[@]}" -n cli --query value -o tsv

check 'creates a key' 'RSA' "$AZ" keyvault key create "${vault[@]}" -n key --kty RSA --query key.kty -o tsv
check 'lists keys' 'key' "$AZ" keyvault key list "${vault[@]}" --query '[].name' -o tsv
digest=$(printf hello | openssl dgst -sha256 -binary | base64)
signature=$("$AZ" keyvault key sign "${vault[@]}" -n key -a RS256 --digest "$digest" --query signature -o tsv)
check 'signs, and the signature holds' 'true' "$AZ" keyvault key verify "${vault[@]}" -n key -a RS256 --digest "$digest" --signature "$signature" --query isValid -o tsv
sealed=$("$AZ" keyvault key encrypt "${vault[@]}" -n key -a RSA-OAEP-256 --data-type plaintext --value hello --query result -o tsv)
check 'decrypts what it encrypted' "b'hello'" "$AZ" keyvault key decrypt "${vault[@]}" -n key -a RSA-OAEP-256 --data-type plaintext --value "$sealed" --query result -o tsv
check 'changes a key' 'shop' "$AZ" keyvault key set-attributes "${vault[@]}" -n key --tags team=shop --query tags.team -o tsv
check 'rotates it' '*' "$AZ" keyvault key rotate "${vault[@]}" -n key
check 'lists its versions' '2' "$AZ" keyvault key list-versions "${vault[@]}" -n key --query 'length(@)' -o tsv
check 'backs it up' '*' "$AZ" keyvault key backup "${vault[@]}" -n key -f "$work/key.backup"
check 'deletes it' 'RSA' "$AZ" keyvault key delete "${vault[@]}" -n key --query key.kty -o tsv
check 'lists deleted keys' 'key' "$AZ" keyvault key list-deleted "${vault[@]}" --query '[].name' -o tsv
check 'recovers it' 'RSA' "$AZ" keyvault key recover "${vault[@]}" -n key --query key.kty -o tsv
check 'deletes it for good' '*' "$AZ" keyvault key delete "${vault[@]}" -n key
check 'purges the key' '*' "$AZ" keyvault key purge "${vault[@]}" -n key
check 'restores the key' 'RSA' "$AZ" keyvault key restore "${vault[@]}" -f "$work/key.backup" --query key.kty -o tsv

"$AZ" keyvault certificate get-default-policy >"$work/policy.json"
check 'creates a certificate' 'completed' "$AZ" keyvault certificate create "${vault[@]}" -n web -p "@$work/policy.json" --query status -o tsv
check 'lists certificates' 'web' "$AZ" keyvault certificate list "${vault[@]}" --query '[].name' -o tsv
check 'shows its policy' 'Self' "$AZ" keyvault certificate show "${vault[@]}" -n web --query policy.issuerParameters.name -o tsv
check 'downloads it' '*' "$AZ" keyvault certificate download "${vault[@]}" -n web -f "$work/web.pem"
check 'which is a certificate' '*' openssl x509 -in "$work/web.pem" -noout -subject
check 'shows its key' 'RSA' "$AZ" keyvault key show "${vault[@]}" -n web --query key.kty -o tsv
check 'shows its secret' 'application/x-pkcs12' "$AZ" keyvault secret show "${vault[@]}" -n web --query contentType -o tsv
check 'changes it' 'shop' "$AZ" keyvault certificate set-attributes "${vault[@]}" -n web --tags team=shop --query tags.team -o tsv
check 'backs the certificate up' '*' "$AZ" keyvault certificate backup "${vault[@]}" -n web -f "$work/web.backup"
check 'deletes the certificate' '*' "$AZ" keyvault certificate delete "${vault[@]}" -n web
check 'lists deleted certificates' 'web' "$AZ" keyvault certificate list-deleted "${vault[@]}" --query '[].name' -o tsv
check 'recovers the certificate' 'web' "$AZ" keyvault certificate recover "${vault[@]}" -n web --query name -o tsv
check 'deletes the certificate again' '*' "$AZ" keyvault certificate delete "${vault[@]}" -n web
check 'purges the certificate' '*' "$AZ" keyvault certificate purge "${vault[@]}" -n web
check 'restores the certificate' 'web' "$AZ" keyvault certificate restore "${vault[@]}" -f "$work/web.backup" --query name -o tsv
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
