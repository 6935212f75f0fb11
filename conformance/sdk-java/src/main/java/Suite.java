import com.azure.core.exception.HttpResponseException;
import com.azure.core.exception.ResourceNotFoundException;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.security.keyvault.secrets.SecretClient;
import com.azure.security.keyvault.secrets.SecretClientBuilder;
import com.azure.security.keyvault.secrets.models.KeyVaultSecret;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.InvalidRequestException;
import software.amazon.awssdk.services.secretsmanager.model.ResourceExistsException;
import software.amazon.awssdk.services.secretsmanager.model.SecretsManagerException;

/**
 * Drives the AWS and Azure APIs with the unmodified SDKs for Java, told by environment variables alone whom to ask. Environment: AWS_*,
 * VAULT_URL, AZURE_*, HTTPS_PROXY. One line per case, then "N passed, N failed".
 */
final class Suite {
    interface Case {
        void run() throws Exception;
    }

    static void check(boolean good, String what) {
        if (!good) throw new IllegalStateException(what);
    }

    static <E extends Exception> E refused(Class<E> type, Callable<?> call) throws Exception {
        try {
            call.call();
        } catch (Exception raised) {
            check(type.isInstance(raised), "refused with " + raised);
            return type.cast(raised);
        }
        throw new IllegalStateException("was not refused with " + type.getSimpleName());
    }

    static final SecretsManagerClient AWS = SecretsManagerClient.create();

    static SecretClient azure() {
        return new SecretClientBuilder()
            .vaultUrl(System.getenv("VAULT_URL"))
            .credential(new DefaultAzureCredentialBuilder().build())
            .buildClient();
    }

    static void awsLifecycle() throws Exception {
        AWS.createSecret(r -> r.name("java/text").secretString("päß ✓ 🔑"));
        check(AWS.getSecretValue(r -> r.secretId("java/text")).secretString().equals("päß ✓ 🔑"), "text");
        refused(ResourceExistsException.class, () -> AWS.createSecret(r -> r.name("java/text").secretString("x")));
        String second = AWS.putSecretValue(r -> r.secretId("java/text").secretString("second")).versionId();
        check(AWS.getSecretValue(r -> r.secretId("java/text")).versionId().equals(second), "version");
        String previous = AWS.getSecretValue(r -> r.secretId("java/text").versionStage("AWSPREVIOUS")).secretString();
        check(previous.equals("päß ✓ 🔑"), "previous");
        AWS.tagResource(r -> r.secretId("java/text").tags(t -> t.key("a").value("b")));
        check(AWS.describeSecret(r -> r.secretId("java/text")).tags().get(0).value().equals("b"), "tags");
        AWS.deleteSecret(r -> r.secretId("java/text").recoveryWindowInDays(7L));
        refused(InvalidRequestException.class, () -> AWS.getSecretValue(r -> r.secretId("java/text")));
        AWS.restoreSecret(r -> r.secretId("java/text"));
        check(AWS.getSecretValue(r -> r.secretId("java/text")).secretString().equals("second"), "restored");
    }

    static void awsBinaryAndPages() throws Exception {
        byte[] bytes = new byte[65_536];
        new Random(1).nextBytes(bytes);
        AWS.createSecret(r -> r.name("java/bytes").secretBinary(SdkBytes.fromByteArray(bytes)));
        byte[] found = AWS.getSecretValue(r -> r.secretId("java/bytes")).secretBinary().asByteArray();
        check(Arrays.equals(found, bytes), "bytes");
        refused(SecretsManagerException.class,
            () -> AWS.putSecretValue(r -> r.secretId("java/bytes").secretBinary(SdkBytes.fromByteArray(new byte[65_537]))));
        for (int number = 0; number < 5; number++) {
            String name = "java/paged-" + number;
            AWS.createSecret(r -> r.name(name).secretString("v"));
        }
        long listed = AWS.listSecretsPaginator(r -> r.maxResults(2)).stream().flatMap(page -> page.secretList().stream())
            .filter(one -> one.name().startsWith("java/paged-")).count();
        check(listed == 5, "listed " + listed);
    }

    static void awsErrors() throws Exception {
        var missing = refused(software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException.class,
            () -> AWS.getSecretValue(r -> r.secretId("java/none")));
        check(missing.statusCode() == 400 && missing.requestId() != null, "status " + missing.statusCode());
    }

    static void azureLifecycle() throws Exception {
        SecretClient client = azure();
        KeyVaultSecret made = client.setSecret("java-text", "päß ✓ 🔑");
        check(client.getSecret("java-text").getValue().equals("päß ✓ 🔑"), "text");
        client.setSecret("java-text", "second");
        check(client.getSecret("java-text", made.getProperties().getVersion()).getValue().startsWith("päß"), "version");
        check(client.listPropertiesOfSecretVersions("java-text").stream().count() == 2, "versions");
        check(client.listPropertiesOfSecrets().stream().anyMatch(one -> one.getName().equals("java-text")), "list");
        var properties = client.getSecret("java-text").getProperties().setEnabled(false).setTags(Map.of("a", "b"));
        client.updateSecretProperties(properties);
        check(refused(HttpResponseException.class, () -> client.getSecret("java-text")).getResponse().getStatusCode() == 403,
            "disabled");
        refused(ResourceNotFoundException.class, () -> client.getSecret("java-none"));
    }

    static void azureDeletion() throws Exception {
        SecretClient client = azure();
        client.setSecret("java-gone", "v");
        byte[] backup = client.backupSecret("java-gone");
        client.beginDeleteSecret("java-gone").waitForCompletion();
        refused(ResourceNotFoundException.class, () -> client.getSecret("java-gone"));
        client.beginRecoverDeletedSecret("java-gone").waitForCompletion();
        check(client.getSecret("java-gone").getValue().equals("v"), "recovered");
        client.beginDeleteSecret("java-gone").waitForCompletion();
        client.purgeDeletedSecret("java-gone");
        check(client.restoreSecretBackup(backup).getName().equals("java-gone"), "restored");
    }

    public static void main(String[] arguments) {
        Map<String, Case> cases = new LinkedHashMap<>();
        cases.put("aws: lifecycle", Suite::awsLifecycle);
        cases.put("aws: binary values, 64 KiB, pages", Suite::awsBinaryAndPages);
        cases.put("aws: errors", Suite::awsErrors);
        cases.put("azure: lifecycle", Suite::azureLifecycle);
        cases.put("azure: delete, recover, purge, restore", Suite::azureDeletion);
        int failed = 0;
        for (var one : cases.entrySet()) {
            try {
                one.getValue().run();
                System.out.println("  ok     sdk-java " + one.getKey());
            } catch (Exception raised) {
                failed++;
                System.out.println("  FAILED sdk-java " + one.getKey() + "\n         " + raised);
            }
        }
        System.out.println((cases.size() - failed) + " passed, " + failed + " failed");
        System.exit(failed == 0 ? 0 : 1);
    }
}
