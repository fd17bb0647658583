package dev.postern.runtime.tls;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads certificates and keys from PEM files. What is wrong is told with the file and the cure, so that a wrong path or a
 * key of the wrong format is found before anything starts. Reads files: not for event loops.
 */
public final class PemFiles {
    /** A trust store of all public authorities is a quarter of this. */
    private static final long MAX_BYTES = 1 << 20;

    private static final String PKCS8 = "PRIVATE KEY";
    private static final String CURE = "expected: PKCS#8 PEM, as openssl pkcs8 -topk8 -nocrypt writes it";

    private PemFiles() {}

    /** What speaks against a pair of files; the first fault of each, and whether they belong together. */
    public static void checkPair(
            Path chain, Path key, Instant now, Consumer<String> errors, Consumer<String> warnings) {
        List<X509Certificate> certificates = List.of();
        PrivateKey privateKey = null;
        try {
            certificates = certificates("certificate", chain);
            checkTime(chain, certificates.get(0), now, warnings);
        } catch (PemException fault) {
            errors.accept(fault.getMessage());
        }
        try {
            privateKey = key(key);
        } catch (PemException fault) {
            errors.accept(fault.getMessage());
        }
        if (!certificates.isEmpty() && privateKey != null && !belongTogether(certificates.get(0), privateKey)) {
            errors.accept(mismatch(chain, key));
        }
    }

    /** What speaks against a file of trusted certificates. */
    public static void checkTrust(Path trust, Consumer<String> errors) {
        try {
            certificates("trust", trust);
        } catch (PemException fault) {
            errors.accept(fault.getMessage());
        }
    }

    /** A certificate and its key, which belong together. */
    public static Credential credential(Path chain, Path key) throws PemException {
        List<X509Certificate> certificates = certificates("certificate", chain);
        PrivateKey privateKey = key(key);
        if (!belongTogether(certificates.get(0), privateKey)) {
            throw new PemException(mismatch(chain, key));
        }
        return new Credential(certificates, privateKey);
    }

    private static String mismatch(Path chain, Path key) {
        return "key " + key + " is not the key of certificate " + chain
                + " (expected: the pair that was issued together, our own certificate first in the chain)";
    }

    private static void checkTime(Path file, X509Certificate own, Instant now, Consumer<String> warnings) {
        Instant end = own.getNotAfter().toInstant();
        Instant begin = own.getNotBefore().toInstant();
        if (now.isAfter(end)) {
            warnings.accept("certificate " + file + " expired at " + end
                    + " (expected: a new one; it is read when the file" + " changes)");
        } else if (now.isBefore(begin)) {
            warnings.accept("certificate " + file + " is not valid before " + begin);
        }
    }

    /**
     * All certificates of a file.
     *
     * @param what the file is called in messages
     */
    public static List<X509Certificate> certificates(String what, Path file) throws PemException {
        return certificates(what, file, text(what, file));
    }

    static List<X509Certificate> certificates(String what, Path file, String text) throws PemException {
        List<X509Certificate> certificates = new ArrayList<>();
        for (Block block : blocks(what, file, text)) {
            if (block.label.equals("CERTIFICATE")) {
                try {
                    certificates.add((X509Certificate) CertificateFactory.getInstance("X.509")
                            .generateCertificate(new ByteArrayInputStream(block.content)));
                } catch (CertificateException | RuntimeException bad) {
                    // The JDK stumbles over some that are malformed: an Ed25519 key of no bytes.
                    throw new PemException(
                            what + ' ' + file + " holds a certificate that cannot be read (expected: X.509 PEM)");
                }
            }
        }
        if (certificates.isEmpty()) {
            throw new PemException(what + ' ' + file + " holds no certificate (expected: PEM with BEGIN CERTIFICATE)");
        }
        return certificates;
    }

    private static PrivateKey key(Path file) throws PemException {
        return key(file, text("key", file));
    }

    static PrivateKey key(Path file, String text) throws PemException {
        List<Block> blocks = blocks("key", file, text);
        for (Block block : blocks) {
            if (block.label.equals(PKCS8)) {
                return key(file, block.content);
            }
        }
        String found = blocks.stream()
                .map(block -> block.label)
                .filter(label -> label.endsWith(PKCS8))
                .findFirst()
                .map(label -> " but " + label)
                .orElse("");
        throw new PemException("key " + file + " holds no " + PKCS8 + found + " (" + CURE + ')');
    }

    private static PrivateKey key(Path file, byte[] content) throws PemException {
        // The encoding names its algorithm, but the JDK wants to be told which.
        for (String algorithm : new String[] {"RSA", "EC", "EdDSA"}) {
            PrivateKey key = keyOrNull(algorithm, content);
            if (key != null) {
                return key;
            }
        }
        throw new PemException("key " + file + " is neither RSA nor EC nor EdDSA (" + CURE + ')');
    }

    private static @Nullable PrivateKey keyOrNull(String algorithm, byte[] content) {
        try {
            return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(content));
        } catch (GeneralSecurityException | RuntimeException another) {
            return null;
        }
    }

    /** By signing and verifying: for elliptic curves there is no other way with the JDK alone. */
    private static boolean belongTogether(X509Certificate certificate, PrivateKey key) {
        String type = certificate.getPublicKey().getAlgorithm();
        String algorithm = switch (key.getAlgorithm()) {
            case "RSA" -> "SHA256withRSA";
            case "EC" -> "SHA256withECDSA";
            default -> "EdDSA";
        };
        if (!type.equals(key.getAlgorithm())) {
            return false;
        }
        try {
            byte[] text = "postern".getBytes(StandardCharsets.US_ASCII);
            Signature signature = Signature.getInstance(algorithm);
            signature.initSign(key);
            signature.update(text);
            byte[] signed = signature.sign();
            signature.initVerify(certificate.getPublicKey());
            signature.update(text);
            return signature.verify(signed);
        } catch (GeneralSecurityException mismatch) {
            return false;
        }
    }

    private static List<Block> blocks(String what, Path file, String text) throws PemException {
        List<Block> blocks = new ArrayList<>();
        int at = text.indexOf("-----BEGIN ");
        while (at >= 0) {
            int labelEnd = text.indexOf("-----", at + 11);
            if (labelEnd < 0) {
                break;
            }
            String label = text.substring(at + 11, labelEnd);
            int end = text.indexOf("-----END " + label + "-----", labelEnd + 5);
            if (end < 0) {
                throw new PemException(what + ' ' + file + " breaks off (expected: END " + label + ')');
            }
            try {
                blocks.add(new Block(label, Base64.getMimeDecoder().decode(text.substring(labelEnd + 5, end))));
            } catch (IllegalArgumentException bad) {
                throw new PemException(what + ' ' + file + " holds a " + label + " that is not base64 (expected: PEM)");
            }
            at = text.indexOf("-----BEGIN ", end);
        }
        return blocks;
    }

    private static String text(String what, Path file) throws PemException {
        try {
            if (!Files.exists(file)) {
                throw new PemException(what + ' ' + file + " does not exist");
            }
            if (!Files.isRegularFile(file) || Files.size(file) > MAX_BYTES) {
                throw new PemException(
                        what + ' ' + file + " is no PEM file (expected: a file of up to " + MAX_BYTES + " bytes)");
            }
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException unreadable) {
            throw new PemException(
                    what + ' ' + file + " cannot be read: " + unreadable + " (expected: a file this process may read)");
        }
    }

    private static final class Block {
        private final String label;
        private final byte[] content;

        Block(String label, byte[] content) {
            this.label = label;
            this.content = content;
        }
    }
}
