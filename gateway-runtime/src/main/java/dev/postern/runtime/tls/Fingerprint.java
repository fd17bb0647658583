package dev.postern.runtime.tls;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;

/** What tells whether files have changed: a digest of what is in them. Times are not looked at, since copies keep them. */
final class Fingerprint {
    private Fingerprint() {}

    /** The fingerprint of these files; of one that cannot be read, only that. */
    static String of(List<Path> files) {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("a JDK without SHA-256", impossible);
        }
        for (Path file : files) {
            byte[] content;
            try {
                content = Files.readAllBytes(file);
            } catch (IOException unreadable) {
                content = unreadable.getClass().getName().getBytes(StandardCharsets.US_ASCII);
            }
            digest.update(ByteBuffer.allocate(4).putInt(content.length).flip());
            digest.update(content);
        }
        return Base64.getEncoder().encodeToString(digest.digest());
    }
}
