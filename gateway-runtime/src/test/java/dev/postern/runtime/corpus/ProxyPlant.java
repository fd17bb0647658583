package dev.postern.runtime.corpus;

import dev.postern.runtime.corpus.TapOrigin.Tapped;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/** A proxy of another make, when it is installed: it shows what it understood by what it sends on to an origin of its own. */
final class ProxyPlant extends Plant {
    private static final System.Logger LOGGER = System.getLogger(ProxyPlant.class.getName());
    private static final List<Path> FOLDERS =
            List.of(Path.of("/usr/sbin"), Path.of("/usr/bin"), Path.of("/usr/local/sbin"), Path.of("/usr/local/bin"));
    private static final String NGINX = """
            daemon off;
            master_process off;
            worker_processes 1;
            pid %1$s/pid;
            error_log stderr crit;
            events { worker_connections 64; }
            http {
              access_log off;
              client_body_temp_path %1$s/body;
              proxy_temp_path %1$s/proxy;
              fastcgi_temp_path %1$s/fastcgi;
              uwsgi_temp_path %1$s/uwsgi;
              scgi_temp_path %1$s/scgi;
              client_max_body_size 0;
              large_client_header_buffers 8 64k;
              ignore_invalid_headers off;
              merge_slashes off;
              server {
                listen 127.0.0.1:%2$d;
                location / {
                  proxy_pass http://127.0.0.1:%3$d;
                  proxy_http_version 1.1;
                  proxy_set_header Host $http_host;
                  proxy_set_header Connection "";
                }
              }
            }
            """;
    private static final String HAPROXY = """
            global
              maxconn 64
              tune.bufsize 65536
              tune.http.maxhdr 256
            defaults
              mode http
              timeout connect 5s
              timeout client 10s
              timeout server 10s
            listen garden
              bind 127.0.0.1:%2$d
              server origin 127.0.0.1:%3$d
            """;
    private static final String APACHE = """
            ServerRoot %1$s
            ServerName garden
            PidFile %1$s/pid
            ErrorLog /dev/stderr
            LogLevel crit
            Listen 127.0.0.1:%2$d
            LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
            LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
            LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
            LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
            LimitRequestFieldSize 65536
            LimitRequestLine 65536
            LimitRequestFields 200
            AllowEncodedSlashes NoDecode
            ProxyPreserveHost On
            ProxyPass / http://127.0.0.1:%3$d/ nocanon
            """;

    private final TapOrigin origin;
    private final Path folder;
    private final int port;
    private final Process process;

    private ProxyPlant(String name, Path program, String config, List<String> arguments) throws IOException {
        super(name);
        origin = new TapOrigin();
        folder = Files.createTempDirectory("garden");
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        Path file = folder.resolve("config");
        int behind = Integer.parseInt(origin.url().replaceAll(".*:", ""));
        Files.writeString(file, String.format(config, folder, port, behind));
        List<String> command = new ArrayList<>(List.of(program.toString()));
        arguments.forEach(argument -> command.add(argument.equals("CONFIG") ? file.toString() : argument));
        process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
        Awaitility.await()
                .pollInterval(Duration.ofMillis(5))
                .atMost(Duration.ofSeconds(10))
                .until(this::isListening);
    }

    private boolean isListening() throws IOException {
        if (!process.isAlive()) {
            throw new IllegalStateException(this + ": " + Files.readString(folder.resolve("log")));
        }
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
        } catch (IOException refused) {
            return false;
        }
    }

    /** Those that are installed here; says which are not. */
    static List<Plant> installed() throws IOException {
        List<Plant> plants = new ArrayList<>();
        add(plants, "nginx", NGINX, List.of("-c", "CONFIG"));
        add(plants, "haproxy", HAPROXY, List.of("-db", "-f", "CONFIG"));
        add(plants, "apache2", APACHE, List.of("-D", "FOREGROUND", "-f", "CONFIG"));
        return plants;
    }

    private static void add(List<Plant> plants, String name, String config, List<String> arguments) throws IOException {
        Path program = FOLDERS.stream()
                .map(folder -> folder.resolve(name))
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
        if (program == null) {
            LOGGER.log(System.Logger.Level.WARNING, "the garden goes without {0}: it is not installed", name);
        } else {
            plants.add(new ProxyPlant(name, program, config, arguments));
        }
    }

    @Override
    List<Seen> see(byte[] bytes) throws IOException {
        origin.taken();
        super.see(bytes);
        return origin.taken().stream().map(Tapped::seen).toList();
    }

    @Override
    int port() {
        return port;
    }

    @Override
    void stop() throws Exception {
        process.destroy();
        if (!process.waitFor(5, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor(5, TimeUnit.SECONDS);
        }
        origin.close();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
