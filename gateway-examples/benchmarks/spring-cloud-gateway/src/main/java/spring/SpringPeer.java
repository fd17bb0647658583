package spring;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.cloud.gateway.route.RouteLocator;
import org.springframework.cloud.gateway.route.builder.RouteLocatorBuilder;
import org.springframework.context.annotation.Bean;

/** Spring Cloud Gateway with one route to the origin, on one event loop. */
@SpringBootApplication
public class SpringPeer {
    /** Runs until it is killed. */
    public static void main(String[] args) {
        System.setProperty("reactor.netty.ioWorkerCount", "1");
        System.setProperty("reactor.netty.ioSelectCount", "1");
        System.setProperty("spring.cloud.gateway.server.webflux.httpclient.pool.max-connections", "512");
        System.setProperty("server.port", System.getProperty("port", "8080"));
        System.setProperty("server.address", "127.0.0.1");
        System.setProperty("logging.level.root", "WARN");
        System.setProperty("spring.main.banner-mode", "off");
        SpringApplication.run(SpringPeer.class, args);
    }

    @Bean
    RouteLocator routes(RouteLocatorBuilder routes) {
        String origin = "http://127.0.0.1:" + System.getProperty("origin", "19000");
        return routes.routes()
                .route("all", route -> route.path("/**").uri(origin))
                .build();
    }
}
