package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;

/** A certificate of 127.0.0.1 that signs itself, made by the keytool of the JDK. */
final class TestCertificate {
    private TestCertificate() {}

    /** Writes {@code cert.pem} and {@code key.pem}. */
    static void write(Path folder) throws IOException, InterruptedException, GeneralSecurityException {
        Path store = folder.resolve("store.p12");
        String keytool =
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
        List<String> command =
                List.of((keytool + " -genkeypair -keyalg EC -groupname secp256r1 -alias a -dname CN=localhost"
                                + " -ext SAN=IP:127.0.0.1 -validity 30 -storetype PKCS12 -storepass changeit -keystore "
                                + store)
                        .split(" "));
        int end = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
        if (end != 0) {
            throw new IOException("keytool ended with " + end);
        }
        char[] password = "changeit".toCharArray();
        KeyStore keys = KeyStore.getInstance(store.toFile(), password);
        pem(folder.resolve("key.pem"), "PRIVATE KEY", keys.getKey("a", password).getEncoded());
        pem(folder.resolve("cert.pem"), "CERTIFICATE", keys.getCertificate("a").getEncoded());
    }

    private static void pem(Path file, String what, byte[] bytes) throws IOException {
        String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes);
        Files.writeString(file, "-----BEGIN " + what + "-----\n" + text + "\n-----END " + what + "-----\n");
    }
}
