package dev.postern.examples.quickstart;

import dev.postern.ClientInfo;
import dev.postern.Gateway;
import dev.postern.Request;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.function.Consumer;

/**
 * A gateway in front of some services, all in this process, and the commands to try everything:
 *
 * <pre>{@code mvn -q -pl gateway-examples/quickstart -am compile exec:java}</pre>
 *
 * <p>Serves on port 8080, and on 8090 what is not for the public; {@code -Dexec.args="9000 9010"} says otherwise, 0 takes
 * any free port.
 */
public final class Quickstart implements AutoCloseable {
    final DemoServices services;
    final DemoIssuer issuer;
    final Gateway gateway;
    final Gateway admin;

    private Quickstart(DemoServices services, DemoIssuer issuer, Gateway gateway, Gateway admin) {
        this.services = services;
        this.issuer = issuer;
        this.gateway = gateway;
        this.admin = admin;
    }

    /** Takes the port of the gateway and the port of its admin side, 8080 and 8090 unless given. */
    public static void main(String[] args) {
        int port = args.length > 0 ? Integer.parseInt(args[0]) : 8080;
        int adminPort = args.length > 1 ? Integer.parseInt(args[1]) : port == 0 ? 0 : port + 10;
        Quickstart demo = start(port, adminPort, System.out::println);
        Runtime.getRuntime().addShutdownHook(new Thread(demo::close));
        System.out.println(demo.guide());
    }

    static Quickstart start(int port, int adminPort, Consumer<String> accessLog) {
        DemoServices services = DemoServices.start();
        DemoIssuer issuer = DemoIssuer.start();
        PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        DemoGateway demo = new DemoGateway(services, issuer, port, meters, accessLog);
        Gateway gateway = demo.config(20).toBuilder().build();
        Gateway admin = new AdminGateway(gateway, demo, services, meters).build(adminPort);
        gateway.start();
        admin.start();
        return new Quickstart(services, issuer, gateway, admin);
    }

    /** Where the gateway serves. */
    String url() {
        return gateway.listeners().get(0).url();
    }

    /** Where its admin side serves. */
    String adminUrl() {
        return admin.listeners().get(0).url();
    }

    /** What would become of a request, and why. */
    String explained() {
        Request request = Request.get("/prices/sku-1").withHeader("X-User", "ann");
        return gateway.explain(request, ClientInfo.local()).toString();
    }

    /** What is printed at the start. */
    String guide() {
        return Guide.TEXT
                .replace("${url}", url())
                .replace("${admin}", adminUrl())
                .replace("${explained}", explained().indent(2))
                .replace("${token}", issuer.token("ann", "users:read"))
                .replace("${weak-token}", issuer.token("bob", "profile"))
                .replace("${key}", DemoGateway.PARTNER_KEY)
                .replace("${weak-key}", DemoGateway.GUEST_KEY);
    }

    @Override
    public void close() {
        admin.close();
        gateway.close();
        issuer.close();
        services.close();
    }
}
