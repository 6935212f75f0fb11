#!/usr/bin/env bash
# Drives the Google Secret Manager API with the unmodified gcloud of this machine, told by its own settings whom to ask. Environment:
# GCLOUD (its program), ENDPOINT (host:port), PROJECT, KEY_FILE, REQUESTS_CA_BUNDLE. One line per case, then "N passed, N failed".
set -u
work=$(mktemp -d)
trap 'rm -rf "$work" 2>/dev/null' EXIT
export CLOUDSDK_CONFIG=$work/config CLOUDSDK_CORE_PROJECT=$PROJECT CLOUDSDK_CORE_DISABLE_PROMPTS=1
export CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=true CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=true
export CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE=$REQUESTS_CA_BUNDLE CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER=https://$ENDPOINT/
passed=0
failed=0

# report NAME GOOD OUTPUT
report() {
  if [ "$2" = yes ]; then
    passed=$((passed + 1))
    echo "  ok     gcloud $1"
  else
    failed=$((failed + 1))
    printf '  FAILED gcloud %s\n%s\n' "$1" "$3"
  fi
}

# check NAME WANTED COMMAND…: runs it and compares what it prints; '*' takes anything.
check() {
  local name=$1 wanted=$2 output good=no
  shift 2
  output=$("$@" 2>"$work/errors") && { [ "$wanted" = '*' ] || [ "$output" = "$wanted" ]; } && good=yes
  report "$name" "$good" "$output$(cat "$work/errors")"
}

# refused NAME WORD COMMAND…: it must fail, and say the word.
refused() {
  local name=$1 word=$2 output good=no
  shift 2
  output=$("$@" 2>&1) || case $output in *"$word"*) good=yes ;; esac
  report "$name" "$good" "$output"
}

secrets() { "$GCLOUD" secrets "$@"; }
member=serviceAccount:$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["client_email"])' "$KEY_FILE")
printf 'first' >"$work/first"
printf 's\303\251cond \360\237\224\221' >"$work/second"
head -c 65536 /dev/urandom >"$work/large"

check 'takes a key file' '*' "$GCLOUD" auth activate-service-account --key-file "$KEY_FILE"

check 'creates a secret with everything' '*' secrets create db --replication-policy=automatic --data-file="$work/first" \
  --labels=team=shop,tier=one --set-annotations=owner=ann --topics="projects/$PROJECT/topics/changes" \
  --next-rotation-time=2037-01-01T00:00:00Z --rotation-period=2592000s --ttl=8640000s --version-destroy-ttl=86400s
refused 'does not create it twice' 'already exists' secrets create db --replication-policy=automatic
check 'creates in places' '*' secrets create placed --replication-policy=user-managed --locations=europe-west1,us-east1
check 'creates without a policy' '*' secrets create plain --data-file="$work/large"
check 'describes labels' 'shop;one' secrets describe db --format='value[separator=;](labels.team,labels.tier)'
check 'describes annotations, topics and rotation' "ann;projects/$PROJECT/topics/changes;2037-01-01T00:00:00Z;2592000s" \
  secrets describe db --format='value[separator=;](annotations.owner,topics[0].name,rotation.nextRotationTime,rotation.rotationPeriod)'
check 'describes its destruction later' '86400s' secrets describe db --format='value(versionDestroyTtl)'
check 'describes places' 'europe-west1;us-east1' secrets describe placed \
  --format='value[separator=;](replication.userManaged.replicas[0].location,replication.userManaged.replicas[1].location)'
secrets replication get placed --format=json >"$work/places.json"
check 'takes the places as they are' '*' secrets replication set placed --replication-policy-file="$work/places.json"
check 'lists secrets' $'db\nplaced\nplain' secrets list --format='value(name.basename())' --sort-by=name
check 'lists a page after the other' $'db\nplaced\nplain' secrets list --page-size=1 --format='value(name.basename())' --sort-by=name
check 'filters at the server' 'db' secrets list --filter='labels.team=shop' --format='value(name.basename())'

check 'accesses the latest' 'first' secrets versions access latest --secret=db
check 'adds a version' '*' secrets versions add db --data-file="$work/second"
check 'accesses text beyond ASCII' "$(cat "$work/second")" secrets versions access latest --secret=db
check 'accesses a number' 'first' secrets versions access 1 --secret=db
check 'accesses 64 KiB' '*' secrets versions access latest --secret=plain --out-file="$work/read"
check 'which are what was written' '' cmp "$work/large" "$work/read"
refused 'does not take nothing' 'INVALID_ARGUMENT' secrets versions add plain --data-file=/dev/null
check 'lists versions' $'2\n1' secrets versions list db --format='value(name.basename())'
check 'filters versions' '2' secrets versions list db --filter='state:ENABLED AND name:versions/2' --format='value(name.basename())'
check 'describes a version' 'ENABLED' secrets versions describe 2 --secret=db --format='value(state)'
check 'says that a checksum came' 'True' secrets versions describe 2 --secret=db --format='value(clientSpecifiedPayloadChecksum)'

check 'names a version' '*' secrets update db --update-version-aliases=live=1
check 'accesses it by that name' 'first' secrets versions access live --secret=db
check 'takes the name away' '*' secrets update db --remove-version-aliases=live
refused 'knows it no more' 'NOT_FOUND' secrets versions access live --secret=db
check 'changes labels' '*' secrets update db --update-labels=tier=two --remove-labels=team
check 'which shows' 'two' secrets describe db --format='value(labels.list(separator=";",show="values"))'
check 'changes annotations' '*' secrets update db --update-annotations=owner=bob,more=x
check 'clears annotations' '*' secrets update db --clear-annotations
etag=$(secrets describe db --format='value(etag)')
check 'takes the right etag' '*' secrets update db --clear-labels --etag="$etag"
refused 'refuses a stale one' 'etag' secrets update db --update-labels=a=b --etag="$etag"
check 'sets an expiry' '*' secrets update db --expire-time=2038-01-01T00:00:00Z
check 'takes it away' '' secrets update db --remove-expiration --format='value(expireTime)'
check 'changes when it is told' '*' secrets update db --next-rotation-time=2037-02-01T00:00:00Z
check 'ends the rotation' '' secrets update db --remove-rotation-schedule --format='value(rotation.list())'
check 'takes a topic away' '*' secrets update db --clear-topics
refused 'knows no other topic' 'INVALID_ARGUMENT' secrets update db --add-topics="projects/$PROJECT/topics/unknown"

check 'disables a version' 'DISABLED' secrets versions disable 1 --secret=db --format='value(state)'
refused 'and does not hand it out' 'DISABLED' secrets versions access 1 --secret=db
check 'enables it' 'ENABLED' secrets versions enable 1 --secret=db --format='value(state)'
check 'destroys it later' 'DISABLED' secrets versions destroy 1 --secret=db --format='value(state)'
check 'clears that' '*' secrets update db --remove-version-destroy-ttl
check 'destroys it now' 'DESTROYED' secrets versions destroy 1 --secret=db --format='value(state)'
refused 'for good' 'DESTROYED' secrets versions enable 1 --secret=db

check 'grants a role' '*' secrets add-iam-policy-binding db --member="$member" --role=roles/secretmanager.secretAccessor
check 'shows the grant' "$member" secrets get-iam-policy db --flatten='bindings[].members' --format='value(bindings.members)'
secrets get-iam-policy db --format=json >"$work/policy.json"
check 'sets the policy as it was read' '*' secrets set-iam-policy db "$work/policy.json"
check 'takes the role' '*' secrets remove-iam-policy-binding db --member="$member" --role=roles/secretmanager.secretAccessor
refused 'grants nothing to everybody' 'allUsers is refused' secrets add-iam-policy-binding db --member=allUsers --role=roles/secretmanager.secretAccessor

check 'lists locations' '*' secrets locations list
check 'creates in a region' '*' secrets create near --location=europe-west3 --data-file="$work/first"
check 'accesses there' 'first' secrets versions access latest --secret=near --location=europe-west3
check 'updates there' 'x' secrets update near --location=europe-west3 --update-labels=k=x --format='value(labels.k)'
check 'lists there' '*' secrets list --location=europe-west3

check 'deletes' '' secrets delete plain
refused 'for good' 'NOT_FOUND' secrets describe plain
refused 'knows no secret that there is not' 'NOT_FOUND' secrets versions access latest --secret=never
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
