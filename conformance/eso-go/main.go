// Makes the calls that the External Secrets Operator makes for its AWS, Azure and Vault providers, by the same unmodified Go SDKs.
// Environment: AWS_*, VAULT_URL, AZURE_*, ADDR, TOKEN, SSL_CERT_FILE, HTTPS_PROXY. One line per case, then "N passed, N failed".
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/uuid"
	vault "github.com/hashicorp/vault/api"
)

var ctx = context.Background()

type failure struct{ text string }

func check(good bool, format string, parts ...any) {
	if !good {
		panic(failure{fmt.Sprintf(format, parts...)})
	}
}

func must[T any](value T, err error) T {
	check(err == nil, "%v", err)
	return value
}

// initialVersion is what ESO sends with every secret that it creates.
const initialVersion = "00000000-0000-0000-0000-000000000001"

var managed = types.Tag{Key: aws.String("managed-by"), Value: aws.String("external-secrets")}

func awsClient() *secretsmanager.Client {
	return secretsmanager.NewFromConfig(must(config.LoadDefaultConfig(ctx)))
}

func awsIsMissing(err error) bool {
	var missing *types.ResourceNotFoundException
	return errors.As(err, &missing)
}

// awsPush is PushSecret: describe, get, create or put.
func awsPush(client *secretsmanager.Client, name string, value []byte) {
	_, err := client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &name})
	if awsIsMissing(err) {
		must(client.CreateSecret(ctx, &secretsmanager.CreateSecretInput{
			Name: &name, SecretBinary: value, Tags: []types.Tag{managed}, ClientRequestToken: aws.String(initialVersion),
			Description: aws.String("secret 'managed-by:external-secrets'"),
		}))
		return
	}
	check(err == nil, "%v", err)
	found := must(client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name}))
	if string(found.SecretBinary) == string(value) {
		return
	}
	must(client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &name, SecretBinary: value, ClientRequestToken: aws.String(uuid.NewString()),
	}))
}

func awsPushAndRead() {
	client := awsClient()
	for _, name := range []string{"eso/one", "eso/two"} {
		awsPush(client, name, []byte("first of "+name))
		awsPush(client, name, []byte("second of "+name))
		awsPush(client, name, []byte("second of "+name))
		read := must(client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
			SecretId: &name, VersionStage: aws.String("AWSCURRENT"),
		}))
		check(string(read.SecretBinary) == "second of "+name, "read %q", read.SecretBinary)
		first := must(client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
			SecretId: &name, VersionId: aws.String(initialVersion),
		}))
		check(string(first.SecretBinary) == "first of "+name, "read %q", first.SecretBinary)
		described := must(client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &name}))
		check(len(described.Tags) == 1 && *described.Tags[0].Value == "external-secrets", "tags %v", described.Tags)
	}
}

func awsFind() {
	client := awsClient()
	found := must(client.BatchGetSecretValue(ctx, &secretsmanager.BatchGetSecretValueInput{
		Filters: []types.Filter{
			{Key: types.FilterNameStringTypeName, Values: []string{"eso/"}},
			{Key: types.FilterNameStringTypeTagKey, Values: []string{"managed-by"}},
			{Key: types.FilterNameStringTypeTagValue, Values: []string{"external-secrets"}},
		},
	}))
	check(len(found.SecretValues) == 2, "found %d", len(found.SecretValues))
	pages := secretsmanager.NewListSecretsPaginator(client, &secretsmanager.ListSecretsInput{MaxResults: aws.Int32(1)})
	names := map[string]bool{}
	for pages.HasMorePages() {
		for _, one := range must(pages.NextPage(ctx)).SecretList {
			names[*one.Name] = true
		}
	}
	check(names["eso/one"] && names["eso/two"], "names %v", names)
}

func awsTagsPolicyDelete() {
	client := awsClient()
	name := "eso/one"
	must(client.TagResource(ctx, &secretsmanager.TagResourceInput{
		SecretId: &name, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
	}))
	must(client.UntagResource(ctx, &secretsmanager.UntagResourceInput{SecretId: &name, TagKeys: []string{"a"}}))
	must(client.GetResourcePolicy(ctx, &secretsmanager.GetResourcePolicyInput{SecretId: &name}))
	must(client.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{
		SecretId: &name, ForceDeleteWithoutRecovery: aws.Bool(true),
	}))
	_, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
	check(awsIsMissing(err), "after deletion: %v", err)
}

func awsWebIdentity() {
	loaded := must(config.LoadDefaultConfig(ctx))
	role := fmt.Sprintf("arn:aws:iam::%s:role/app", os.Getenv("ACCOUNT"))
	provider := stscreds.NewWebIdentityRoleProvider(
		sts.NewFromConfig(loaded), role, stscreds.IdentityTokenFile(os.Getenv("FEDERATED_TOKEN_FILE")))
	loaded.Credentials = aws.NewCredentialsCache(provider)
	name := "eso/two"
	must(secretsmanager.NewFromConfig(loaded).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name}))
}

func azureCloud() policy.ClientOptions {
	return policy.ClientOptions{Cloud: cloud.Configuration{
		ActiveDirectoryAuthorityHost: os.Getenv("AZURE_AUTHORITY_HOST"),
		Services:                     map[cloud.ServiceName]cloud.ServiceConfiguration{},
	}}
}

func azureCredential() azcore.TokenCredential {
	return must(azidentity.NewClientSecretCredential(
		os.Getenv("AZURE_TENANT_ID"), os.Getenv("AZURE_CLIENT_ID"), os.Getenv("AZURE_CLIENT_SECRET"),
		&azidentity.ClientSecretCredentialOptions{ClientOptions: azureCloud()}))
}

func azureStatus(err error) int {
	var answered *azcore.ResponseError
	if errors.As(err, &answered) {
		return answered.StatusCode
	}
	return 0
}

func azureSecrets() {
	client := must(azsecrets.NewClient(os.Getenv("VAULT_URL"), azureCredential(), nil))
	_, err := client.GetSecret(ctx, "eso-one", "", nil)
	check(azureStatus(err) == http.StatusNotFound, "before: %v", err)
	tags := map[string]*string{"managed-by": aws.String("external-secrets")}
	must(client.SetSecret(ctx, "eso-one", azsecrets.SetSecretParameters{Value: aws.String("v"), Tags: tags}, nil))
	read := must(client.GetSecret(ctx, "eso-one", "", nil))
	check(*read.Value == "v" && *read.Tags["managed-by"] == "external-secrets", "read %v", read)
	pages := client.NewListSecretPropertiesPager(nil)
	found := false
	for pages.More() {
		for _, one := range must(pages.NextPage(ctx)).Value {
			found = found || one.ID.Name() == "eso-one"
		}
	}
	check(found, "not listed")
	must(client.DeleteSecret(ctx, "eso-one", nil))
	_, err = client.GetSecret(ctx, "eso-one", "", nil)
	check(azureStatus(err) == http.StatusNotFound, "after: %v", err)
}

func azureKeysAndCertificates() {
	keys := must(azkeys.NewClient(os.Getenv("VAULT_URL"), azureCredential(), nil))
	kty := azkeys.KeyTypeEC
	must(keys.CreateKey(ctx, "eso-key", azkeys.CreateKeyParameters{Kty: &kty}, nil))
	key := must(keys.GetKey(ctx, "eso-key", "", nil))
	check(len(key.Key.X) == 32, "x %d", len(key.Key.X))
	certificates := must(azcertificates.NewClient(os.Getenv("VAULT_URL"), azureCredential(), nil))
	must(certificates.CreateCertificate(ctx, "eso-certificate", azcertificates.CreateCertificateParameters{
		CertificatePolicy: &azcertificates.CertificatePolicy{
			IssuerParameters:          &azcertificates.IssuerParameters{Name: aws.String("Self")},
			X509CertificateProperties: &azcertificates.X509CertificateProperties{Subject: aws.String("CN=eso")},
			SecretProperties:          &azcertificates.SecretProperties{ContentType: aws.String("application/x-pem-file")},
		},
	}, nil))
	read := must(certificates.GetCertificate(ctx, "eso-certificate", "", nil))
	check(len(read.CER) > 0, "no certificate")
	secrets := must(azsecrets.NewClient(os.Getenv("VAULT_URL"), azureCredential(), nil))
	pem := *must(secrets.GetSecret(ctx, "eso-certificate", "", nil)).Value
	check(strings.Contains(pem, "PRIVATE KEY"), "no private key")
	must(certificates.ImportCertificate(ctx, "eso-imported", azcertificates.ImportCertificateParameters{
		Base64EncodedCertificate: &pem,
		Tags:                     map[string]*string{"managed-by": aws.String("external-secrets")},
	}, nil))
	must(certificates.DeleteCertificate(ctx, "eso-imported", nil))
}

func vaultClient() *vault.Client {
	settings := vault.DefaultConfig()
	settings.Address = os.Getenv("ADDR")
	client := must(vault.NewClient(settings))
	client.SetToken(os.Getenv("TOKEN"))
	return client
}

func vaultProvider() {
	logical := vaultClient().Logical()
	must(vaultClient().Auth().Token().LookupSelfWithContext(ctx))
	check(must(logical.ReadWithDataWithContext(ctx, "secret/data/eso/vault", nil)) == nil, "there already")
	metadata := map[string]any{"custom_metadata": map[string]string{"managed-by": "external-secrets"}}
	must(logical.WriteWithContext(ctx, "secret/metadata/eso/vault", metadata))
	for _, value := range []string{"one", "two"} {
		must(logical.WriteWithContext(ctx, "secret/data/eso/vault", map[string]any{"data": map[string]string{"k": value}}))
	}
	read := must(logical.ReadWithDataWithContext(ctx, "secret/data/eso/vault", map[string][]string{"version": {"1"}}))
	check(read.Data["data"].(map[string]any)["k"] == "one", "version 1: %v", read.Data)
	shown := must(logical.ReadWithContext(ctx, "secret/metadata/eso/vault"))
	check(shown.Data["custom_metadata"].(map[string]any)["managed-by"] == "external-secrets", "metadata %v", shown.Data)
	listed := must(logical.ListWithContext(ctx, "secret/metadata/eso"))
	check(len(listed.Data["keys"].([]any)) > 0, "list %v", listed.Data)
	must(logical.DeleteWithContext(ctx, "secret/data/eso/vault"))
	must(logical.DeleteWithContext(ctx, "secret/metadata/eso/vault"))
	check(must(logical.ReadWithContext(ctx, "secret/metadata/eso/vault")) == nil, "there still")
}

func main() {
	cases := []struct {
		name string
		run  func()
	}{
		{"aws: push and read", awsPushAndRead},
		{"aws: find by path, tags and pages", awsFind},
		{"aws: tags, policy, delete", awsTagsPolicyDelete},
		{"aws: by a service account", awsWebIdentity},
		{"azure: secrets", azureSecrets},
		{"azure: keys and certificates", azureKeysAndCertificates},
		{"vault", vaultProvider},
	}
	failed := 0
	for _, one := range cases {
		func() {
			defer func() {
				if raised := recover(); raised != nil {
					failed++
					fmt.Printf("  FAILED eso-go %s\n         %v\n", one.name, raised)
					return
				}
				fmt.Printf("  ok     eso-go %s\n", one.name)
			}()
			one.run()
		}()
	}
	fmt.Printf("%d passed, %d failed\n", len(cases)-failed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
