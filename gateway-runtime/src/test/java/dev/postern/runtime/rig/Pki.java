package dev.postern.runtime.rig;

import dev.postern.Tls;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;

/** An authority, the certificates it issues, and the files and sockets made of them. All of it is as old as the test. */
public final class Pki {
    private final X509Bundle root;

    /** An authority of this name. */
    public Pki(String name) throws Exception {
        root = new CertificateBuilder()
                .ecp256()
                .subject("CN=" + name)
                .setIsCertificateAuthority(true)
                .setKeyUsage(true, CertificateBuilder.KeyUsage.keyCertSign)
                .buildSelfSigned();
    }

    /** A certificate of this serial number for these host names. */
    public X509Bundle server(int serial, String... names) throws Exception {
        return server(CertificateBuilder.Algorithm.ecp256, serial, names);
    }

    /** The same with another kind of key. */
    public X509Bundle server(CertificateBuilder.Algorithm algorithm, int serial, String... names) throws Exception {
        CertificateBuilder builder = new CertificateBuilder()
                .algorithm(algorithm)
                .subject("CN=server " + serial)
                .serial(BigInteger.valueOf(serial));
        if (names.length > 0) {
            // By hand, since the builder takes no wildcards.
            builder.addExtensionOctetString("2.5.29.17", false, alternatives(names));
        }
        return builder.buildIssuedBy(root);
    }

    /** RFC 5280 4.2.1.6: a sequence of names with tag 2; all of it shorter than 128 bytes. */
    private static byte[] alternatives(String... names) {
        ByteArrayOutputStream sequence = new ByteArrayOutputStream();
        for (String name : names) {
            sequence.write(0x82);
            sequence.write(name.length());
            sequence.writeBytes(name.getBytes(StandardCharsets.US_ASCII));
        }
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.write(0x30);
        all.write(sequence.size());
        all.writeBytes(sequence.toByteArray());
        return all.toByteArray();
    }

    /** A certificate for a client. */
    public X509Bundle client(String subject) throws Exception {
        return new CertificateBuilder()
                .ecp256()
                .subject(subject)
                .addSanUriName("spiffe://test/" + subject.replaceAll(".*=", ""))
                .addExtendedKeyUsageClientAuth()
                .buildIssuedBy(root);
    }

    /** Writes {@code name.pem} and {@code name.key}. */
    public static Tls.Pair write(Path folder, String name, X509Bundle bundle) throws IOException {
        Path chain = folder.resolve(name + ".pem");
        Path key = folder.resolve(name + ".key");
        // Key first: a pair that does not match in between is kept out.
        Files.writeString(key, bundle.getPrivateKeyPEM());
        Files.writeString(chain, bundle.getCertificatePathPEM());
        return new Tls.Pair(chain, key);
    }

    /** Writes the authority's own certificate. */
    public Path trust(Path folder) throws IOException {
        return Files.writeString(folder.resolve("trust.pem"), root.getRootCertificatePEM());
    }

    /** The authority's own certificate. */
    public X509Certificate certificate() {
        return root.getCertificate();
    }

    /** Shows a certificate, or none when it is null, and believes the authority. */
    public SSLContext context(X509Bundle own) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        KeyStore roots = KeyStore.getInstance("PKCS12");
        roots.load(null, null);
        roots.setCertificateEntry("root", root.getRootCertificate());
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(roots);
        context.init(own == null ? null : new KeyManager[] {new Insistent(own)}, trust.getTrustManagers(), null);
        return context;
    }

    /** Shows its certificate whoever is asked for: the JDK's own would rather show none than one of another authority. */
    private static final class Insistent extends X509ExtendedKeyManager {
        private final X509Bundle own;

        Insistent(X509Bundle own) {
            this.own = own;
        }

        @Override
        public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
            return "own";
        }

        @Override
        public String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
            return type.equals(own.getKeyPair().getPrivate().getAlgorithm()) ? "own" : null;
        }

        @Override
        public X509Certificate[] getCertificateChain(String alias) {
            return own.getCertificatePath();
        }

        @Override
        public PrivateKey getPrivateKey(String alias) {
            return own.getKeyPair().getPrivate();
        }

        @Override
        public String[] getClientAliases(String type, Principal[] issuers) {
            return new String[] {"own"};
        }

        @Override
        public String[] getServerAliases(String type, Principal[] issuers) {
            return new String[] {"own"};
        }
    }

    /** A connection whose handshake is over, with nothing that could be resumed. */
    public SSLSocket connect(int port, String name, String... protocols) throws Exception {
        return connect(context(null), port, name, protocols);
    }

    /** A connection whose handshake is over; asks for a host name unless that is null. */
    public static SSLSocket connect(SSLContext context, int port, String name, String... protocols) throws Exception {
        SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port);
        try {
            socket.setSoTimeout(10_000);
            if (name != null) {
                SSLParameters parameters = socket.getSSLParameters();
                parameters.setServerNames(List.of(new SNIHostName(name)));
                socket.setSSLParameters(parameters);
            }
            if (protocols.length > 0) {
                socket.setEnabledProtocols(protocols);
            }
            socket.startHandshake();
        } catch (Exception refused) {
            socket.close();
            throw refused;
        }
        return socket;
    }

    /** The same, for one application protocol. */
    public static SSLSocket agreeing(SSLContext context, int port, String name, String protocol) throws Exception {
        SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port);
        socket.setSoTimeout(10_000);
        SSLParameters parameters = socket.getSSLParameters();
        if (name != null) {
            parameters.setServerNames(List.of(new SNIHostName(name)));
        }
        parameters.setApplicationProtocols(new String[] {protocol});
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        return socket;
    }

    /** The serial number of the certificate that was shown. */
    public static int shown(SSLSocket socket) throws Exception {
        return ((X509Certificate) socket.getSession().getPeerCertificates()[0])
                .getSerialNumber()
                .intValue();
    }
}
