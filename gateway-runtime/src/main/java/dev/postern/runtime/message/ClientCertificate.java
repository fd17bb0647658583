package dev.postern.runtime.message;

import dev.postern.Exchange;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What upstreams are told of a client's certificate (RFC 9440 2); put on the exchange only where a listener tells them.
 *
 * @param certificate the value of {@code Client-Cert}, or null when there is none to be told
 * @param chain the value of {@code Client-Cert-Chain}, or null
 */
public record ClientCertificate(
        @Nullable String certificate, @Nullable String chain) {
    /** Where the edge puts it. */
    public static final Exchange.Key<ClientCertificate> KEY = Exchange.Key.named("client certificate");

    /** That there is none. */
    public static final ClientCertificate NONE = new ClientCertificate(null, null);

    /**
     * The fields for a verified chain.
     *
     * @param certificates the client's own first; may be empty
     * @param withChain whether the others are told too
     */
    public static ClientCertificate of(List<X509Certificate> certificates, boolean withChain) {
        if (certificates.isEmpty()) {
            return NONE;
        }
        List<X509Certificate> others = certificates.subList(1, certificates.size());
        return new ClientCertificate(
                bytes(certificates.get(0)),
                !withChain || others.isEmpty()
                        ? null
                        : others.stream().map(ClientCertificate::bytes).collect(Collectors.joining(", ")));
    }

    /** RFC 8941 3.3.5: base64 of the DER between colons. */
    private static String bytes(X509Certificate certificate) {
        try {
            return ':' + Base64.getEncoder().encodeToString(certificate.getEncoded()) + ':';
        } catch (CertificateEncodingException impossible) {
            throw new IllegalStateException("a certificate that was received cannot be encoded", impossible);
        }
    }
}
