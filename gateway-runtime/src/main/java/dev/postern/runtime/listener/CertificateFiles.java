package dev.postern.runtime.listener;

import dev.postern.Tls;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.nio.file.Files;

/** The content of a certificate's two files; equal when nothing has changed. */
record CertificateFiles(Buffer chain, Buffer key) {
    static CertificateFiles read(Tls tls) throws IOException {
        return new CertificateFiles(
                Buffer.buffer(Files.readAllBytes(tls.certificate())), Buffer.buffer(Files.readAllBytes(tls.key())));
    }

    /** No content: one of the files is a key. */
    @Override
    public String toString() {
        return "CertificateFiles";
    }
}
