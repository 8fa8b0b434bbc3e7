// Checks an evidence record (RFC 4998) with BouncyCastle, an implementation that is not ours.
//
//   java -cp bcpkix.jar:bcprov.jar:bcutil.jar Check.java RECORD DOCUMENT NEW-DIGEST-OID
//
// Prints what BouncyCastle would have stamped next: the imprint of a time-stamp renewal, and that of
// a hash-tree renewal with the new digest. Exits 1 where the record is not valid.

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Date;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.DigestCalculatorProvider;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.tsp.TimeStampRequestGenerator;
import org.bouncycastle.tsp.ers.ERSByteData;
import org.bouncycastle.tsp.ers.ERSEvidenceRecord;
import org.bouncycastle.util.encoders.Hex;

public class Check {
    public static void main(String[] args) throws Exception {
        BouncyCastleProvider provider = new BouncyCastleProvider();
        DigestCalculatorProvider digests =
            new JcaDigestCalculatorProviderBuilder().setProvider(provider).build();
        byte[] file = Files.readAllBytes(Path.of(args[0]));
        ERSByteData document = new ERSByteData(Files.readAllBytes(Path.of(args[1])));
        ERSEvidenceRecord record;
        try {
            record = new ERSEvidenceRecord(file, digests);
            record.validatePresent(document, new Date());
            record.validate(
                new JcaSimpleSignerInfoVerifierBuilder()
                    .setProvider(provider)
                    .build(record.getSigningCertificate()));
        } catch (Exception refused) {
            System.out.println("refused " + refused);
            System.exit(1);
            return;
        }
        System.out.println("encoding " + Hex.toHexString(record.getEncoded()));
        TimeStampRequestGenerator generator = new TimeStampRequestGenerator();
        System.out.println("renewal " + Hex.toHexString(
            record.generateTimeStampRenewalRequest(generator).getMessageImprintDigest()));
        AlgorithmIdentifier next = new AlgorithmIdentifier(new ASN1ObjectIdentifier(args[2]));
        System.out.println("rehash " + Hex.toHexString(
            record.generateHashRenewalRequest(digests.get(next), document, generator)
                .getMessageImprintDigest()));
    }
}
