package dev.postern.runtime.corpus;

import dev.postern.GatewayBuilder;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Redirect;
import dev.postern.Response;
import dev.postern.Rewrite;
import dev.postern.Route;
import dev.postern.Upstream;

/** The gateway that the corpus runs against: what is forwarded goes to one origin, and some paths have a route of their own. */
final class CorpusGateway {
    private CorpusGateway() {}

    static GatewayBuilder of(GatewayBuilder gateway, String origin, Listener listener) {
        return gateway.listen(listener)
                .upstream(Upstream.builder("origin").endpoints(origin).build())
                // Answers that nobody reads a body for.
                .route(Route.builder("fixed")
                        .match(Match.path("/fixed"))
                        .answer(Response.text(200, "fixed"))
                        .build())
                .route(Route.builder("nowhere")
                        .match(Match.path("/nowhere"))
                        .answer(Response.text(404, "nowhere"))
                        .build())
                .route(Route.builder("guarded")
                        .match(Match.prefix("/guarded"))
                        .filter((request, chain) -> chain.answer(Response.text(401, "who?")))
                        .to("origin")
                        .build())
                .route(Route.builder("go")
                        .match(Match.path("/go/{rest...}"))
                        .redirect(Redirect.status(308).path("/{rest...}"))
                        .build())
                .route(Route.builder("small")
                        .match(Match.path("/small"))
                        .maxRequestBytes(10)
                        .to("origin")
                        .build())
                // Paths that change.
                .route(Route.builder("strip")
                        .match(Match.prefix("/strip"))
                        .rewrite(Rewrite.none().prefix("/"))
                        .to("origin")
                        .build())
                .route(Route.builder("vars")
                        .match(Match.path("/vars/{name}/{rest...}"))
                        .rewrite(Rewrite.none().path("/v2/{name}/x/{rest}"))
                        .to("origin")
                        .build())
                .route(Route.builder("glue")
                        .match(Match.prefix("/glue").and(Match.pathRegex("/glue/(?P<a>[^/]*)-(?P<b>.*)")))
                        .rewrite(Rewrite.none().path("/safe/{a}{b}"))
                        .to("origin")
                        .build())
                // A filter that believes what it reads.
                .route(Route.builder("copy")
                        .match(Match.path("/copy"))
                        .filter((request, chain) ->
                                chain.proceed(request.withHeader("X-Name", request.queryParameter("name"))))
                        .to("origin")
                        .build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("origin")
                        .build());
    }
}
