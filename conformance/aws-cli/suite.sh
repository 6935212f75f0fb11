#!/usr/bin/env bash
# Drives the AWS APIs with the unmodified command line. Environment: AWS (its program), AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID,
# AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION, AWS_CA_BUNDLE, ACCOUNT. One line per case, then "N passed, N failed".
set -u
passed=0
failed=0

# check NAME WANTED COMMAND…: runs it and compares what it prints; '*' takes anything.
check() {
  local name=$1 wanted=$2 output
  shift 2
  if output=$("$@" 2>&1) && { [ "$wanted" = '*' ] || [ "$output" = "$wanted" ]; }; then
    passed=$((passed + 1))
    echo "  ok     aws-cli $name"
  else
    failed=$((failed + 1))
    printf '  FAILED aws-cli %s\n%s\n' "$name" "$output"
  fi
}

# refuse NAME CODE COMMAND…: it must fail, and say the code.
refuse() {
  local name=$1 code=$2 output
  shift 2
  if output=$("$@" 2>&1); then
    output="it succeeded: $output"
  elif [[ $output == *"($code)"* ]]; then
    passed=$((passed + 1))
    echo "  ok     aws-cli $name"
    return
  fi
  failed=$((failed + 1))
  printf '  FAILED aws-cli %s\n%s\n' "$name" "$output"
}

sm=("$AWS" secretsmanager --output text)
check 'says who it is' "arn:aws:iam::$ACCOUNT:user/app" "$AWS" sts get-caller-identity --query Arn --output text
check 'creates a secret' 'cli/db' "${sm[@]}" create-secret --name cli/db --secret-string first --query Name
check 'reads a secret' 'first' "${sm[@]}" get-secret-value --secret-id cli/db --query SecretString
check 'puts a value' '*' "${sm[@]}" put-secret-value --secret-id cli/db --secret-string second
check 'reads the value before' 'first' "${sm[@]}" get-secret-value --secret-id cli/db --version-stage AWSPREVIOUS --query SecretString
check 'describes a secret' 'cli/db' "${sm[@]}" describe-secret --secret-id cli/db --query Name
check 'lists secrets' 'cli/db' "${sm[@]}" list-secrets --filters Key=name,Values=cli/ --query 'SecretList[].Name'
check 'tags a secret' '' "${sm[@]}" tag-resource --secret-id cli/db --tags Key=a,Value=b
check 'makes a password' '*' "${sm[@]}" get-random-password --password-length 20
refuse 'finds no other' ResourceNotFoundException "${sm[@]}" get-secret-value --secret-id cli/none
check 'deletes a secret' 'cli/db' "${sm[@]}" delete-secret --secret-id cli/db --force-delete-without-recovery --query Name
refuse 'and finds it no more' ResourceNotFoundException "${sm[@]}" get-secret-value --secret-id cli/db
check 'lists keys' 'alias/unseal' "$AWS" kms list-aliases --output text --query 'Aliases[].AliasName'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
