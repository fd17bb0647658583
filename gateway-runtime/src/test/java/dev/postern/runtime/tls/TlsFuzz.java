package dev.postern.runtime.tls;

import dev.postern.runtime.message.ClientCertificate;
import dev.postern.runtime.rig.Fuzz;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Parsers of this package, for the fuzzer. */
public final class TlsFuzz {
    private static final Path FILE = Path.of("a.pem");

    private TlsFuzz() {}

    /** A file of certificates or of a key can be read, or is refused with its name. */
    public static Fuzz.Target pem() {
        return input -> {
            String text = new String(input, StandardCharsets.ISO_8859_1);
            int kind;
            try {
                List<X509Certificate> read = PemFiles.certificates("certificate", FILE, text);
                check(!read.isEmpty(), "none");
                kind = 64 + Math.min(7, read.size());
            } catch (PemException refused) {
                kind = refusal(refused);
            }
            try {
                return kind * 128 + 64 + PemFiles.key(FILE, text).getAlgorithm().length();
            } catch (PemException refused) {
                return kind * 128 + refusal(refused);
            }
        };
    }

    private static int refusal(PemException refused) {
        String message = String.valueOf(refused.getMessage());
        check(message.contains(FILE + " ") && message.contains("(expected: "), message);
        return message.replaceAll("[^a-z]+", "").hashCode() & 63;
    }

    /** Of a certificate that the JDK can read, the names are names or it is refused, and it goes on as it came. */
    public static Fuzz.Target certificates() throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        return input -> {
            X509Certificate certificate;
            try {
                certificate = (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(input));
            } catch (CertificateException | ArrayIndexOutOfBoundsException refused) {
                // The second is the JDK's own, for an Ed25519 key of no bytes.
                return 0;
            }
            String told = ClientCertificate.of(List.of(certificate), true).certificate();
            check(told != null && told.matches(":[A-Za-z0-9+/]+=*:"), "" + told);
            Set<String> names;
            try {
                // The key is not looked at.
                names = new Credential(List.of(certificate), null).names();
            } catch (PemException refused) {
                return 1;
            }
            for (String name : names) {
                check(name.equals(name.toLowerCase(Locale.ROOT)), name);
            }
            return 2 + Math.min(15, names.size()) * 2 + (certificate.getVersion() & 1);
        };
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }
}
