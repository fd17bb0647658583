package dev.postern.runtime.pipeline;

import dev.postern.Principal;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Who a caller is by the certificate that it has shown, and that was verified in the handshake. */
final class CertificatePrincipal {
    // RFC 5280 4.2.1.6, the tags of GeneralName.
    private static final Map<Integer, String> KINDS = Map.of(1, "email", 2, "dns", 6, "uri");

    private CertificatePrincipal() {}

    /**
     * The principal: its name is the subject (RFC 2253), or where there is none the first alternative name, or the digest;
     * attributes are {@code issuer}, {@code serial} and {@code sha256} in hexadecimal digits, and {@code dns}, {@code uri}, {@code
     * email}: lists of the alternative names, each only when there are any.
     */
    static Principal of(X509Certificate certificate) {
        Map<String, Object> attributes = new HashMap<>();
        String first = alternativeNames(certificate, attributes);
        attributes.put("issuer", certificate.getIssuerX500Principal().getName());
        attributes.put("serial", certificate.getSerialNumber().toString(16));
        String digest = sha256(certificate);
        attributes.put("sha256", digest);
        String subject = certificate.getSubjectX500Principal().getName();
        return new Principal(
                !subject.isEmpty() ? subject : !first.isEmpty() ? first : digest, "certificate", Set.of(), attributes);
    }

    private static String alternativeNames(X509Certificate certificate, Map<String, Object> attributes) {
        String first = "";
        Map<String, List<String>> names = new HashMap<>();
        try {
            Collection<List<?>> alternatives = certificate.getSubjectAlternativeNames();
            for (List<?> name : alternatives == null ? List.<List<?>>of() : alternatives) {
                String kind = name.get(0) instanceof Integer tag ? KINDS.get(tag) : null;
                if (kind != null && name.get(1) instanceof String text) {
                    names.computeIfAbsent(kind, unused -> new ArrayList<>()).add(text);
                    first = first.isEmpty() ? text : first;
                }
            }
        } catch (CertificateParsingException unreadable) {
            // Then there are none that anybody could go by.
            return "";
        }
        names.forEach((kind, all) -> attributes.put(kind, List.copyOf(all)));
        return first;
    }

    private static String sha256(X509Certificate certificate) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded()));
        } catch (NoSuchAlgorithmException | CertificateEncodingException impossible) {
            throw new IllegalStateException("a certificate that was received cannot be encoded", impossible);
        }
    }
}
