package dev.postern.runtime.tls;

import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslProvider;
import java.util.List;

/**
 * Which implementation of TLS is used: BoringSSL when {@code netty-tcnative-boringssl-static} is on the class path and
 * fits the machine, else the JDK's. Netty's own switch {@code -Dio.netty.handler.ssl.noOpenSsl=true} forbids the first.
 */
public final class TlsEngine {
    /**
     * Authenticated encryption with forward secrecy, in the order of preference: what TLS 1.3 has, and the six of TLS 1.2
     * that RFC 9113 appendix A leaves for HTTP/2.
     */
    static final List<String> CIPHERS = List.of(
            "TLS_AES_128_GCM_SHA256",
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256");

    static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};

    private static final SslProvider PROVIDER =
            OpenSsl.isAvailable() && SslProvider.isTlsv13Supported(SslProvider.OPENSSL)
                    ? SslProvider.OPENSSL
                    : SslProvider.JDK;

    private TlsEngine() {}

    static SslProvider provider() {
        return PROVIDER;
    }

    /** Whether it is BoringSSL. */
    public static boolean isNative() {
        return PROVIDER == SslProvider.OPENSSL;
    }

    /** The implementation, for logs. */
    public static String describe() {
        return isNative() ? OpenSsl.versionString() : "the JDK (" + Runtime.version() + ')';
    }
}
