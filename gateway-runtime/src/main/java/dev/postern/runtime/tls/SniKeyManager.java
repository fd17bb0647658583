package dev.postern.runtime.tls;

import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import javax.net.ssl.StandardConstants;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/** Chooses the certificate of a server by the name that the client indicates (RFC 6066 3) and the kind of key it wants. */
final class SniKeyManager extends X509ExtendedKeyManager {
    private final List<Credential> credentials;
    private final ServerNames names;

    SniKeyManager(List<Credential> credentials, ServerNames names) {
        this.credentials = credentials;
        this.names = names;
    }

    /** The lower-case name that the client of a session has indicated, or null. */
    static @Nullable String indicated(@Nullable SSLSession session) {
        if (session instanceof ExtendedSSLSession extended) {
            for (SNIServerName name : extended.getRequestedServerNames()) {
                if (name.getType() == StandardConstants.SNI_HOST_NAME) {
                    return text(name);
                }
            }
        }
        return null;
    }

    /** A host name, lower-case. What is no name of ASCII characters is none of ours either. */
    static String text(SNIServerName name) {
        return new String(name.getEncoded(), StandardCharsets.US_ASCII).toLowerCase(Locale.ROOT);
    }

    @Override
    public @Nullable String chooseEngineServerAlias(
            String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
        String name = engine == null ? null : indicated(engine.getHandshakeSession());
        for (Credential credential : names.of(name)) {
            // BoringSSL's names for kinds of keys say how their certificate is signed, too: EC_RSA.
            String algorithm = credential.key().getAlgorithm();
            if (keyType.equals(algorithm) || keyType.startsWith(algorithm + '_')) {
                return String.valueOf(credentials.indexOf(credential));
            }
        }
        return null;
    }

    @Override
    public X509Certificate @Nullable [] getCertificateChain(@Nullable String alias) {
        Credential credential = find(alias);
        return credential == null ? null : credential.chain().toArray(X509Certificate[]::new);
    }

    @Override
    public @Nullable PrivateKey getPrivateKey(@Nullable String alias) {
        Credential credential = find(alias);
        return credential == null ? null : credential.key();
    }

    private @Nullable Credential find(@Nullable String alias) {
        return alias == null ? null : credentials.get(Integer.parseInt(alias));
    }

    @Override
    public @Nullable String chooseServerAlias(String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
        return null;
    }

    @Override
    public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
        return null;
    }

    @Override
    public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
        return null;
    }

    @Override
    public @Nullable String chooseClientAlias(
            String @Nullable [] keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
        return null;
    }
}
