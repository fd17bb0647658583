package dev.postern.runtime.pipeline;

import dev.postern.Principal;
import dev.postern.runtime.rig.Fuzz;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;

/** Parsers of this package, for the fuzzer. */
public final class PipelineFuzz {
    private PipelineFuzz() {}

    /** How long a call may take is no negative time, and what is told of it is not longer. */
    public static Fuzz.Target grpcTimeout() {
        return input -> {
            long nanos = GrpcCall.timeoutNanos(new String(input, StandardCharsets.ISO_8859_1));
            check(nanos >= 0, "" + nanos);
            String told = GrpcCall.timeout(nanos);
            long again = GrpcCall.timeoutNanos(told);
            check(again != Long.MAX_VALUE && again <= Math.max(nanos, 1_000), nanos + " becomes " + told);
            return nanos == Long.MAX_VALUE
                    ? input.length & 15
                    : 16 + Long.toString(nanos).length();
        };
    }

    /** Whoever has shown a certificate that the JDK can read has a name, and texts for attributes. */
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
            Principal principal = CertificatePrincipal.of(certificate);
            check(!principal.name().isEmpty(), "no name");
            check(String.valueOf(principal.attributes().get("sha256")).length() == 64, "" + principal.attributes());
            int kind = principal.attributes().size();
            for (Object value : principal.attributes().values()) {
                check(value instanceof String || !((List<?>) value).isEmpty(), "an empty list");
                kind = kind * 4 + (value instanceof List<?> several ? several.size() & 3 : 0);
            }
            return 1 + kind;
        };
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }
}
