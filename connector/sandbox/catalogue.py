"""The organisation a stand-in starts with: support groups of level 1 to 4, people, suppliers, categories, customers."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from connector.sandbox.desk import Desk
from connector.sandbox.model import Category, Company, Group, Site, Supplier
from connector.sandbox.side import ACCOUNT, AGENT

GROUPS: Final = (("Service Desk", 1), ("Field Support", 2), ("Network", 2), ("Workplace", 2), ("Applications", 2),
                 ("Infrastructure", 3), ("Database", 3), ("Security Operations", 3), ("Vendor Management", 4))
SUPPLIERS: Final = ("Nordlink Telecom", "Printfleet AG", "Cloudwerk", "SafeDesk Hardware")
COMPANIES: Final = ("ACME SA", "Helvetia Foods", "Atelier du Lac", "Meridian Bank")
SITES: Final = ("Geneva", "Zurich", "Lyon", "Basel")
FIRST: Final = ("Ana", "Luc", "Maya", "Jonas", "Élodie", "Pierre", "Sofia", "Marc", "Claire", "Nils", "Inès", "Omar",
                "Julie", "Tom", "Léa", "Hugo", "Nadia", "Ivan", "Chloé", "Paul")
LAST: Final = ("Souza", "Martin", "Keller", "Dubois", "O'Neil", "Favre", "Rossi", "Meier", "Lambert", "Novak", "Girard",
               "Schmid", "Moreau", "Weber", "Blanc", "Huber", "Silva", "Fournier", "Baumann", "Roux")


@dataclass(frozen=True, slots=True)
class Topic:
    """A category with its share of the tickets and what people write about it, in English and in French.

    `path` is what is solved where: the group of level 2 or 3 that gets what the service desk cannot solve.
    """

    category: str
    share: float
    request: bool
    group: str
    supplier: str
    service: str
    texts: tuple[tuple[str, str], ...]


TOPICS: Final = (
    Topic("Access > Password", 14.3, False, "Applications", "", "Accounts", (
        ("Password expired, cannot log in", "Since this morning Windows refuses my password. I cannot work."),
        ("Mot de passe expiré", "Depuis ce matin, mon mot de passe est refusé. Je ne peux pas travailler."),
        ("Account locked after three tries", "My account is locked after the holidays."))),
    Topic("Software > Office", 13.4, False, "Workplace", "", "Workplace", (
        ("Outlook does not start", "Outlook hangs at 'loading profile' after the last update."),
        ("Outlook ne démarre plus", "Outlook reste bloqué sur « chargement du profil » après la mise à jour."),
        ("Excel macro gives error 1004", "The monthly report macro stops with error 1004."))),
    Topic("Software > ERP", 10.7, False, "Applications", "Cloudwerk", "ERP", (
        ("ERP: order cannot be saved", "Order 4711 & its lines cannot be saved: 'lock <table> busy'."),
        ("ERP : impossible d'enregistrer une commande", "Le message « verrou occupé » apparaît à l'enregistrement."),
        ("ERP very slow in the afternoon", "Every screen takes 20 seconds between 14:00 and 16:00."))),
    Topic("Hardware > Printer", 9.8, False, "Field Support", "Printfleet AG", "Printing", (
        ("Printer on floor 3 is offline", "The printer stopped responding this morning."),
        ("L'imprimante du 3e étage ne répond plus", "Plus aucune impression depuis 9 h, voyant rouge allumé."),
        ("Paper jam that will not go away", "Tray 2 jams on every second page."))),
    Topic("Network > VPN", 6.1, False, "Network", "Nordlink Telecom", "Remote access", (
        ("VPN drops every ten minutes", "Working from home, the VPN drops and reconnects."),
        ("Le VPN se coupe sans arrêt", "En télétravail, la connexion VPN tombe toutes les dix minutes."),)),
    Topic("Network > Wi-Fi", 4.6, False, "Network", "Nordlink Telecom", "Network", (
        ("No Wi-Fi in meeting room 2", "Nobody can join the network in meeting room 2."),
        ("Pas de Wi-Fi en salle 2", "Personne n'arrive à se connecter dans la salle de réunion 2."),)),
    Topic("Hardware > Laptop", 4.6, False, "Field Support", "SafeDesk Hardware", "Workplace", (
        ("Laptop does not charge", "The battery stays at 4 % although the charger is plugged in."),
        ("L'ordinateur ne charge plus", "La batterie reste à 4 % malgré le chargeur."),)),
    Topic("Infrastructure > Server", 4.3, False, "Infrastructure", "", "Hosting", (
        ("File server not reachable", "Drive S: is gone for the whole team."),
        ("Disk almost full on SRV-APP-07", "Monitoring: 96 % used on /var."))),
    Topic("Infrastructure > Database", 3.3, False, "Database", "", "Hosting", (
        ("Nightly job failed: ORA-01555", "The nightly load stopped at 02:14."),)),
    Topic("Security > Phishing", 2.6, False, "Security Operations", "", "Security", (
        ("Suspicious mail with a link", "I clicked the link before I noticed. Please check."),
        ("Courriel suspect", "J'ai reçu une facture que je n'attendais pas, avec un lien étrange."),)),
    Topic("Request > New access", 10.9, True, "Applications", "", "Accounts", (
        ("Access to the sales folder", "Please give me read access to the sales folder."),
        ("Accès au dossier ventes", "Merci de me donner accès en lecture au dossier des ventes."),)),
    Topic("Request > New starter", 6.6, True, "Workplace", "SafeDesk Hardware", "Workplace", (
        ("New starter on Monday", "A colleague starts on Monday: laptop, mailbox, badge."),
        ("Nouvelle collaboratrice lundi", "Une collègue commence lundi : portable, messagerie, badge."),)),
    Topic("Request > Software", 5.2, True, "Workplace", "", "Workplace", (
        ("Install the PDF editor", "I need the PDF editor for contracts."),
        ("Installer l'éditeur PDF", "J'ai besoin de l'éditeur PDF pour les contrats."),)),
    Topic("Other", 3.6, False, "Service Desk", "", "", (
        ("Question about the intranet", "Where do I find the travel form?"),
        ("Strange noise & smell <server room>", "Please have a look; it is not urgent … 🙂"))),
)


def populate(desk: Desk, customers: int = 60) -> None:
    """The standing data. The same for every make, so that a demo tells one story."""
    rng = random.Random(f"people/{desk.seed}")
    desk.companies[0] = Company(0, "Root entity")
    for number, name in enumerate(COMPANIES, 1):
        desk.companies[number] = Company(number, name, 0)
    for number, name in enumerate(SITES, 1):
        desk.sites[number] = Site(number, name)
    for number, (name, level) in enumerate(GROUPS, 1):
        desk.groups[number] = Group(number, name, level)
    for number, name in enumerate(SUPPLIERS, 1):
        desk.suppliers[number] = Supplier(number, name, f"support@{name.split()[0].lower()}.example")
    for topic in TOPICS:
        add_category(desk, topic.category)
    for number, name in enumerate(sorted({topic.service for topic in TOPICS if topic.service}), 1):
        desk.services[number] = name
    desk.add_person(ACCOUNT, first="Servicedesk", last="Connector", role="account")
    desk.add_person(AGENT, first="Lab", last="Agent", role="agent", groups=(1,))
    for group in desk.groups.values():
        for seat in range(6 if group.level == 1 else 3):
            first, last = rng.choice(FIRST), rng.choice(LAST)
            person = desk.add_person(f"{_plain(group.name)}{seat + 1}", first=first, last=last, role="agent",
                                     groups=(group.id,), email=f"{_plain(group.name)}{seat + 1}@desk.example")
            group.manager = group.manager or person.id
    for number in range(1, customers + 1):
        first, last = rng.choice(FIRST), rng.choice(LAST)
        desk.add_person(f"user{number:03d}", first=first, last=last, company=rng.randint(1, len(COMPANIES)),
                        site=rng.randint(1, len(SITES)), language=rng.choice(("en", "fr")))


def add_category(desk: Desk, path: str) -> int:
    """The category with this path, made with those above it where missing."""
    parent = None
    parts = path.split(" > ")
    for depth in range(1, len(parts) + 1):
        here = " > ".join(parts[:depth])
        found = next((c for c in desk.categories.values() if c.path == here), None)
        if found is None:
            number = len(desk.categories) + 1
            found = desk.categories[number] = Category(number, parts[depth - 1], parent, here)
        parent = found.id
    return parent or 0


def _plain(name: str) -> str:
    return name.lower().replace(" ", "")
