/** The public nouns of Postern: everything a host application imports to assemble a gateway. */
@org.jspecify.annotations.NullMarked
module dev.postern.api {
    requires static transitive org.jspecify;

    exports dev.postern;
    exports dev.postern.spi;
    exports dev.postern.testing;

    uses dev.postern.spi.GatewayRuntime;
}
