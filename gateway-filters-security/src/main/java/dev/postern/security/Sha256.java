package dev.postern.security;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A SHA-256 digest as a map key: what is kept in the place of a credential.
 *
 * <p>Looking a credential up by its digest takes the time of one digest and one map access whatever it says. What the
 * comparison of two digests may leak by its timing is a prefix of a digest, from which no credential can be made.
 */
record Sha256(long first, long second, long third, long fourth) {
    // Making one takes as long as a short digest, and half a kilobyte.
    private static final ThreadLocal<MessageDigest> DIGEST = ThreadLocal.withInitial(Sha256::digest);

    /** Of the UTF-8 bytes of a text. */
    static Sha256 of(String text) {
        return of(text.getBytes(StandardCharsets.UTF_8));
    }

    static Sha256 of(byte[] bytes) {
        // One that has made a digest is as new again.
        return read(DIGEST.get().digest(bytes));
    }

    private static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("a JVM without SHA-256", impossible);
        }
    }

    /** Of 64 hexadecimal digits. */
    static Sha256 parse(String hex) {
        if (hex.length() != 64) {
            throw new IllegalArgumentException(
                    "digest: " + hex.length() + " characters (expected: 64 hexadecimal digits)");
        }
        byte[] digest;
        try {
            digest = HexFormat.of().parseHex(hex);
        } catch (IllegalArgumentException notHex) {
            // Its message would show the text, which may be a key given in the place of a digest.
            throw new IllegalArgumentException("digest: other characters in it (expected: 64 hexadecimal digits)");
        }
        return read(digest);
    }

    /** 64 hexadecimal digits, lower-case. */
    String hex() {
        byte[] bytes = ByteBuffer.allocate(32)
                .putLong(first)
                .putLong(second)
                .putLong(third)
                .putLong(fourth)
                .array();
        return HexFormat.of().formatHex(bytes);
    }

    /** Nothing: the digest of a weak key is as good as the key. */
    @Override
    public String toString() {
        return "***";
    }

    private static Sha256 read(byte[] digest) {
        ByteBuffer buffer = ByteBuffer.wrap(digest);
        return new Sha256(buffer.getLong(), buffer.getLong(), buffer.getLong(), buffer.getLong());
    }
}
